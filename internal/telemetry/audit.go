package telemetry

import (
	"context"
	"log/slog"
)

// Audit is the audit record of one write, permitted or rejected. Of the request it contains only the namespace and the
// id of the resource. If the call was rejected, these have not been validated, so their length is limited.
type Audit struct {
	Principal, Namespace, RPC string
	// Resource is the id of the resource, empty if the request has none.
	Resource string
	// Outcome is "ok" or the code of the problem.
	Outcome   string
	RequestID string
}

// Log writes the audit line regardless of the log's level: fewer request lines must not mean fewer audit lines.
func (a *Audit) Log(ctx context.Context, logger *slog.Logger) {
	write(ctx, logger, slog.LevelInfo, a)
}

func (*Audit) message() string { return "audit" }

func (a *Audit) describe(out fields) {
	out.text("principal", shorten(a.Principal, maxPrincipal))
	out.text("namespace", shorten(a.Namespace, maxNamespace))
	out.text("rpc", a.RPC)
	out.text("resource", shorten(a.Resource, maxResource))
	out.text("outcome", a.Outcome)
	out.text("requestId", a.RequestID)
}
