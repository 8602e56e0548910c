package request

import (
	"net/http"
	"slices"
	"strings"

	"google.golang.org/grpc/metadata"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/problem"
)

// metadataPrefix marks the headers that carry the SDK's rpc_metadata.
const metadataPrefix = "Grpc-Metadata-"

// Metadata reads the Grpc-Metadata-<key> headers. A key that is not allowed is
// refused, not dropped: the caller would believe that it was sent.
func Metadata(h http.Header, allowed []string) (metadata.MD, error) {
	return read(h, allowed, func(key string) error {
		return problem.Newf(problem.MetadataNotAllowed, "The metadata key %q is not allowed.", Short(key))
	})
}

// AllowedMetadata is [Metadata] for the doors whose clients send keys that they
// do not know of: what is not allowed is dropped.
func AllowedMetadata(h http.Header, allowed []string) (metadata.MD, error) {
	return read(h, allowed, func(string) error { return nil })
}

func read(h http.Header, allowed []string, refuse func(key string) error) (metadata.MD, error) {
	var md metadata.MD
	for name, values := range h {
		key, ok := strings.CutPrefix(name, metadataPrefix)
		if !ok {
			continue
		}
		key = strings.ToLower(key)
		if config.CheckMetadataKey(key) != nil || !slices.Contains(allowed, key) {
			if err := refuse(key); err != nil {
				return nil, err
			}
			continue
		}
		if md == nil {
			md = metadata.MD{}
		}
		for _, value := range values {
			value, err := config.DecodeMetadata(key, value)
			if err != nil {
				return nil, problem.Invalid(name, err.Error())
			}
			md.Append(key, value)
		}
	}
	return md, nil
}
