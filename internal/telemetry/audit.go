package telemetry

import (
	"context"
	"log/slog"
)

// Audit is the audit record of one write, permitted or rejected. From the request, it contains only the namespace and
// the id of the resource. They may not have been validated if the call was rejected, so Log truncates them.
type Audit struct {
	Principal, Namespace, RPC string
	// Resource is the id of the resource, empty if the request has none.
	Resource string
	// Outcome is "ok" or the code of the problem.
	Outcome   string
	RequestID string
}

// Log writes the audit line whatever the level of the logger is: a level that suppresses request lines must not
// suppress audit lines.
func (a *Audit) Log(ctx context.Context, logger *slog.Logger) {
	write(ctx, logger, slog.LevelInfo, a)
}

func (*Audit) message() string { return "audit" }

func (a *Audit) describe(out fields) {
	out.text("principal", truncateName(a.Principal, maxPrincipal))
	out.text("namespace", truncateName(a.Namespace, maxNamespace))
	out.text("rpc", a.RPC)
	out.text("resource", truncateName(a.Resource, maxResource))
	out.text("outcome", a.Outcome)
	out.text("requestId", a.RequestID)
}
