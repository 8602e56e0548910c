package longpoll

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/grpc/metadata"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/upstream"
)

// caller is equal for callers to whom the upstream sends the same response to
// the same request. It may show different things to different credentials, or
// to calls with different metadata.
type caller struct {
	namespace, credential, metadata string
	// scope is that of a delegated token: a poll serves callers that may read the same.
	scope string
}

func callerOf(client *upstream.Client, principal *auth.Principal, call *upstream.CallOptions) caller {
	return caller{
		namespace:  call.Namespace,
		credential: client.CredentialID(principal, call.Namespace),
		metadata:   metadataKey(metadata.New(principal.Metadata), call.Metadata),
		scope:      principal.Capability.Scope(),
	}
}

// metadataKey returns a text that is equal for equal metadata, and for no other.
func metadataKey(layers ...metadata.MD) string {
	var text strings.Builder
	for _, md := range layers {
		keys := slices.Sorted(maps.Keys(md))
		_, _ = fmt.Fprintf(&text, "%d", len(keys))
		for _, key := range keys {
			_, _ = fmt.Fprintf(&text, "%q%q", key, md[key])
		}
	}
	return text.String()
}
