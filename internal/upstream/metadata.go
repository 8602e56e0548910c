package upstream

import (
	"context"
	"maps"
	"strings"

	"google.golang.org/grpc/metadata"

	"github.com/flowgate/flowgate/internal/auth"
)

// clientName is how the gateway presents itself. Names that the server knows
// have their versions checked, and some change what it answers.
const clientName = "flowgate"

// outgoing builds a call's metadata from nothing: no header of the caller's
// request comes along by itself. The caller's own keys win over those of its
// principal, which win over the namespace's, which win over the upstream's;
// the gateway's own win over all.
func (c *Client) outgoing(
	ctx context.Context, home *namespaceRoute, call *CallOptions, principal *auth.Principal, access auth.Access,
) (metadata.MD, error) {
	md := make(metadata.MD, 8)
	for _, layer := range []map[string]string{
		c.options.Metadata, home.metadata, principal.Metadata,
	} {
		for key, value := range layer {
			md.Set(strings.ToLower(key), value)
		}
	}
	maps.Copy(md, call.Metadata)
	values := [...]string{clientName, c.options.Version, home.nameOf(call.Namespace)} // in one piece of memory
	md["client-name"], md["client-version"] = values[0:1:1], values[1:2:2]
	if call.Namespace != "" {
		md["temporal-namespace"] = values[2:3:3]
	}
	if call.Features {
		md.Set("supported-features", "follows-next-run-id")
	}
	if _, theirs := md["authorization"]; theirs && principal.OverridesAuthorization {
		return md, nil // as in the SDK, where the call's own metadata wins
	}
	delete(md, "authorization") // only the credential may set it
	authorization, err := home.credentialOf(principal).Authorization(ctx, auth.CallInfo{
		Principal: principal, Namespace: home.nameOf(call.Namespace), Access: access,
	})
	if err != nil {
		return nil, err
	}
	if authorization != "" {
		md.Set("authorization", authorization)
	}
	return md, nil
}
