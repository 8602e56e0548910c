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

// callerKey identifies callers that would receive the same response to the same
// request. The response depends on the namespace, and may depend on the credential and
// the metadata.
type callerKey struct {
	namespace, credential, metadata string
	// scope is the scope of a delegated token, or empty. Callers that may read
	// different workflows must not share a poll.
	scope string
}

func callerKeyOf(client *upstream.Client, principal *auth.Principal, call *upstream.CallOptions) callerKey {
	return callerKey{
		namespace:  call.Namespace,
		credential: client.CredentialID(principal, call.Namespace),
		metadata:   metadataText(metadata.New(principal.Metadata), call.Metadata),
		scope:      principal.Capability.Scope(),
	}
}

// metadataText returns metadata as text, unambiguously: different metadata has different
// texts.
func metadataText(layers ...metadata.MD) string {
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
