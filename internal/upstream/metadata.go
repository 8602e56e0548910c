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
func (c *Client) outgoing(ctx context.Context, call *Call, principal *auth.Principal, access auth.Access) (metadata.MD, error) {
	md := make(metadata.MD, 8)
	for _, layer := range []map[string]string{
		c.options.Metadata, c.options.NamespaceMetadata[call.Namespace], principal.Metadata,
	} {
		for key, value := range layer {
			md.Set(strings.ToLower(key), value)
		}
	}
	maps.Copy(md, call.Metadata)
	md.Set("client-name", clientName)
	md.Set("client-version", c.options.Version)
	if call.Namespace != "" {
		md.Set("temporal-namespace", call.Namespace)
	}
	if call.Features {
		md.Set("supported-features", "follows-next-run-id")
	}
	md.Delete("authorization") // only the credential may set it
	authorization, err := c.credential(principal).Authorization(ctx, auth.Purpose{
		Principal: principal, Namespace: call.Namespace, Access: access,
	})
	if err != nil {
		return nil, err
	}
	if authorization != "" {
		md.Set("authorization", authorization)
	}
	return md, nil
}

// credential is the principal's own, and the upstream's for those without.
func (c *Client) credential(principal *auth.Principal) *auth.Credential {
	if principal.Credential != nil {
		return principal.Credential
	}
	return c.options.Credential
}
