package upstream

import (
	"context"
	"log/slog"
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
	outcome := "ok"
	if err != nil {
		outcome = string(problem.Of(err).Code)
	}
	who, requestID := "", ""
	if principal != nil {
		who = principal.Name
	}
	if event := telemetry.FromContext(ctx); event != nil {
		requestID = event.RequestID
	}
	c.options.Log.LogAttrs(ctx, slog.LevelInfo, "audit",
		slog.String("principal", who), slog.String("namespace", namespace), slog.String("rpc", name),
		slog.String("resource", c.methods[fullMethod].resource.in(request)), slog.String("outcome", outcome),
		slog.String("requestId", requestID))
}
