package telemetry

import (
	"context"
	"log/slog"
)

// Audit is one call that changes something, or would have. It holds nothing of what was sent but the namespace and the
// resource's id. Nobody has checked them when the call was refused: they are written up to a bound.
type Audit struct {
	Principal, Namespace, RPC string
	// Resource is the id of what the call is about, empty when its request names none.
	Resource string
	// Outcome is "ok" or the code of the problem.
	Outcome   string
	RequestID string
}

// Log writes the line, whatever the log's level is: who wants fewer lines about requests does not want less of these.
func (a *Audit) Log(ctx context.Context, logger *slog.Logger) {
	write(ctx, logger, slog.LevelInfo, a)
}

func (*Audit) message() string { return "audit" }

func (a *Audit) describe(to fields) {
	to.text("principal", shorten(a.Principal, maxPrincipal))
	to.text("namespace", shorten(a.Namespace, maxNamespace))
	to.text("rpc", a.RPC)
	to.text("resource", shorten(a.Resource, maxResource))
	to.text("outcome", a.Outcome)
	to.text("requestId", a.RequestID)
}
