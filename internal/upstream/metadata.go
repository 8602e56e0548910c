package upstream

import (
	"context"
	"maps"
	"strings"

	"google.golang.org/grpc/metadata"

	"github.com/flowgate/flowgate/internal/auth"
)

// clientName is the client-name of the gateway. It must not be the name of an SDK:
// the server checks the versions of those and adapts its responses to some.
const clientName = "flowgate"

// outgoing builds the metadata of a call from scratch, so that no header of the
// caller's request is forwarded by accident. The caller's keys take precedence over
// those of its principal, then the namespace, then the upstream. The gateway's own
// keys take precedence over all of them.
func (c *Client) outgoing(
	ctx context.Context, route *namespaceRoute, call *CallOptions, principal *auth.Principal, access auth.Access,
) (metadata.MD, error) {
	md := make(metadata.MD, 8)
	for _, layer := range []map[string]string{
		c.options.Metadata, route.metadata, principal.Metadata,
	} {
		for key, value := range layer {
			md.Set(strings.ToLower(key), value)
		}
	}
	maps.Copy(md, call.Metadata)
	values := [...]string{clientName, c.options.Version, route.nameOf(call.Namespace)} // one allocation for three values
	md["client-name"], md["client-version"] = values[0:1:1], values[1:2:2]
	if call.Namespace != "" {
		md["temporal-namespace"] = values[2:3:3]
	}
	if call.Features {
		md.Set("supported-features", "follows-next-run-id")
	}
	if _, set := md["authorization"]; set && principal.OverridesAuthorization {
		return md, nil // as in the SDK, where the call's own metadata wins
	}
	delete(md, "authorization") // only the credential may set it
	authorization, err := route.credentialOf(principal).Authorization(ctx, auth.CallInfo{
		Principal: principal, Namespace: route.nameOf(call.Namespace), Access: access,
	})
	if err != nil {
		return nil, err
	}
	if authorization != "" {
		md.Set("authorization", authorization)
	}
	return md, nil
}
