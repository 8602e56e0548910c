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

// authorization is the key that is allowed to nobody but those who may override
// the credential, however it is listed.
const authorization = "authorization"

// Keys are the metadata keys that a caller may send.
type Keys struct {
	names     []string
	overrides bool
}

// Allowed are the keys of a caller: those of everybody, and its own.
func Allowed(everybody []string, p *auth.Principal) Keys {
	keys := Keys{everybody, p.OverridesAuthorization}
	if len(p.CallerMetadata) > 0 {
		keys.names = slices.Concat(everybody, p.CallerMetadata)
	}
	return keys
}

// Names lists the keys in their order.
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

// Metadata reads the Grpc-Metadata-<key> headers, which carry the SDK's
// rpc_metadata. A key that is not allowed is refused, not dropped: the caller
// would believe that it was sent.
func Metadata(h http.Header, allowed Keys) (metadata.MD, error) {
	return parseMetadata(h, allowed, func(key string) error {
		return problem.Newf(problem.MetadataNotAllowed, "The metadata key %q is not allowed.", problem.Truncate(key))
	})
}

// AllowedMetadata is [Metadata] for the doors whose clients send keys that they
// do not know of: what is not allowed is dropped.
func AllowedMetadata(h http.Header, allowed Keys) (metadata.MD, error) {
	return parseMetadata(h, allowed, func(string) error { return nil })
}

func parseMetadata(h http.Header, allowed Keys, refuse func(key string) error) (metadata.MD, error) {
	var md metadata.MD
	for name, values := range h {
		key, ok := strings.CutPrefix(name, runtime.MetadataHeaderPrefix)
		if !ok {
			continue
		}
		key = strings.ToLower(key)
		if !allowed.allow(key) {
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
