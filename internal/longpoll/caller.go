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

// caller is equal for callers that receive the same response to the same request.
// The upstream's response may depend on the credential and on the metadata.
type caller struct {
	namespace, credential, metadata string
	// scope is the scope of a delegated token. Callers that may read different
	// workflows must not share a poll.
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

// metadataKey returns a text that is equal only for equal metadata.
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
