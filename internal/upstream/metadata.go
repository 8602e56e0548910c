package upstream

import (
	"context"
	"maps"
	"strings"

	"google.golang.org/grpc/metadata"

	"github.com/flowgate/flowgate/internal/auth"
)

// clientName is the client-name of the gateway. It must not be the name of an SDK,
// because the server checks SDK versions and adapts responses to some of them.
const clientName = "flowgate"

// outgoingMetadata builds the metadata of a call from scratch, so that no header of
// the caller's request is forwarded by accident. Where the same key is set more than
// once, the caller's value takes precedence over the principal's, the principal's over
// the namespace's, and the namespace's over that of [Options.Metadata]. The keys that
// the gateway itself sets take precedence over all of these.
func (c *Client) outgoingMetadata(
	ctx context.Context, route *namespaceRoute, options *CallOptions, principal *auth.Principal, access auth.Access,
) (metadata.MD, error) {
	md := make(metadata.MD, 8)
	for _, layer := range []map[string]string{
		c.options.Metadata, route.metadata, principal.Metadata,
	} {
		for key, value := range layer {
			md.Set(strings.ToLower(key), value)
		}
	}
	maps.Copy(md, options.Metadata)
	values := [...]string{clientName, c.options.Version, route.nameOf(options.Namespace)} // one allocation for three values
	md["client-name"], md["client-version"] = values[0:1:1], values[1:2:2]
	if options.Namespace != "" {
		md["temporal-namespace"] = values[2:3:3]
	}
	if options.Features {
		md.Set("supported-features", "follows-next-run-id")
	}
	if _, set := md["authorization"]; set && principal.OverridesAuthorization {
		return md, nil // as in the SDKs, where the metadata of a call overrides the credential
	}
	delete(md, "authorization") // only the credential may set it
	authorization, err := route.credentialOf(principal).Authorization(ctx, auth.CallInfo{
		Principal: principal, Namespace: route.nameOf(options.Namespace), Access: access,
	})
	if err != nil {
		return nil, err
	}
	if authorization != "" {
		md.Set("authorization", authorization)
	}
	return md, nil
}
