package upstream

import (
	"context"
	"strings"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
)

// audit writes the line of a call that changes something, or would have: who,
// where, what, and how it ended. Nothing of the payload is in it. Polls for work
// need a writer and change nothing themselves.
func (c *Client) audit(ctx context.Context, principal *auth.Principal, fullMethod, namespace string, request []byte, err error) {
	access, ok := auth.AccessOf(fullMethod)
	name := shortName(fullMethod)
	if ok && (access.Role <= auth.RoleRead || access.Scope == auth.ScopeOpen || strings.HasPrefix(name, "Poll")) {
		return
	}
	line := telemetry.Audit{
		Namespace: namespace, RPC: name, Resource: c.methods[fullMethod].resource.in(request), Outcome: "ok",
	}
	if err != nil {
		line.Outcome = string(problem.Of(err).Code)
	}
	if principal != nil {
		line.Principal = principal.Name
	}
	if event := telemetry.FromContext(ctx); event != nil {
		line.RequestID = event.RequestID
	}
	line.Log(ctx, c.options.Log)
}
