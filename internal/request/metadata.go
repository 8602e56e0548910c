package request

import (
	"net/http"
	"slices"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/metadata"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/problem"
)

// authorization is a key that only callers with permission to override the credential
// may send, even if it is in a list of allowed keys.
const authorization = "authorization"

// Keys are the metadata keys that a caller may send.
type Keys struct {
	names     []string
	overrides bool
}

// Allowed returns the keys that a caller may send: those of all callers and its own.
func Allowed(ofAll []string, p *auth.Principal) Keys {
	keys := Keys{ofAll, p.OverridesAuthorization}
	if len(p.CallerMetadata) > 0 {
		keys.names = slices.Concat(ofAll, p.CallerMetadata)
	}
	return keys
}

// Names returns the keys in alphabetical order.
func (k Keys) Names() []string {
	names := slices.Clone(k.names)
	if k.overrides {
		names = append(names, authorization)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (k Keys) allow(key string) bool {
	if key == authorization {
		return k.overrides
	}
	return slices.Contains(k.names, key) && config.CheckMetadataKey(key) == nil
}

// Metadata reads the Grpc-Metadata-<key> headers, which correspond to rpc_metadata of
// the SDKs. A key that is not allowed is an error, because the caller would rely on it.
func Metadata(h http.Header, allowed Keys) (metadata.MD, error) {
	return parseMetadata(h, allowed, func(key string) error {
		return problem.Newf(problem.MetadataNotAllowed, "The metadata key %q is not allowed.", problem.Truncate(key))
	})
}

// AllowedMetadata is [Metadata] for doors whose clients send keys by themselves. It
// drops keys that are not allowed.
func AllowedMetadata(h http.Header, allowed Keys) (metadata.MD, error) {
	return parseMetadata(h, allowed, func(string) error { return nil })
}

func parseMetadata(h http.Header, allowed Keys, reject func(key string) error) (metadata.MD, error) {
	var md metadata.MD
	for name, values := range h {
		key, ok := strings.CutPrefix(name, runtime.MetadataHeaderPrefix)
		if !ok {
			continue
		}
		key = strings.ToLower(key)
		if !allowed.allow(key) {
			if err := reject(key); err != nil {
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
