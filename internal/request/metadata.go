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

// authorization is a key that no list of allowed keys can permit. Only a caller that may
// override the upstream credential may send it.
const authorization = "authorization"

// Keys are the metadata keys that a caller may send.
type Keys struct {
	names     []string
	overrides bool // the caller may also send authorization
}

// Allowed returns the keys that a caller may send: the shared keys, which every caller
// may send, and those that are configured for this caller.
func Allowed(shared []string, p *auth.Principal) Keys {
	keys := Keys{shared, p.OverridesAuthorization}
	if len(p.CallerMetadata) > 0 {
		keys.names = slices.Concat(shared, p.CallerMetadata)
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
// the SDKs. It returns an error for a key that is not allowed, because the caller relies
// on the metadata being sent.
func Metadata(h http.Header, allowed Keys) (metadata.MD, error) {
	return parseMetadata(h, allowed, func(key string) error {
		return problem.Newf(problem.MetadataNotAllowed, "The metadata key %q is not allowed.", problem.Truncate(key))
	})
}

// AllowedMetadata is like [Metadata], but drops keys that are not allowed. It is for the
// Temporal HTTP API, whose client libraries add keys that the caller did not ask for.
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
