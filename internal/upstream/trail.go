package upstream

import (
	"context"
	"strings"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
)

// Trail collects the audit record of one operation. An operation may make several
// calls that write, such as an update that is sent again until a worker accepts it,
// but it has one audit line, for the last of these calls. The door that admitted the
// operation writes the line. A Trail is not safe for concurrent use.
type Trail struct {
	record  telemetry.Audit
	pending bool // record has not been written yet
	written bool // at least one line has been written
}

// audited reports whether calls to an RPC get an audit line. All writes get one, except
// polls for tasks: they require the role write but change nothing. RPCs that are not in
// the access table are always rejected, and get one too.
func audited(access auth.Access, known bool, name string) bool {
	return !known || access.Role > auth.RoleRead && access.Scope != auth.ScopeNone && !strings.HasPrefix(name, "Poll")
}

// audit records a call in the trail. Without a trail, it writes the line immediately.
func (c *Client) audit(ctx context.Context, options *CallOptions, principal *auth.Principal, rpc rpcCall, err error) {
	name := shortName(rpc.method)
	if !audited(rpc.access, rpc.known, name) {
		return
	}
	record := telemetry.Audit{
		Namespace: options.Namespace, RPC: name, Resource: c.methods[rpc.method].Resource(rpc.request), Outcome: outcomeOf(err),
	}
	if options.Trail == nil {
		c.writeAudit(ctx, principal, record)
		return
	}
	options.Trail.record, options.Trail.pending = record, true
}

// WriteTrail writes the audit line for the last call in the trail, unless that call
// already has its line.
func (c *Client) WriteTrail(ctx context.Context, principal *auth.Principal, trail *Trail) {
	if trail.pending {
		trail.pending, trail.written = false, true
		c.writeAudit(ctx, principal, trail.record)
	}
}

// RejectTrail writes the audit line of an operation that fails with err. If the
// operation made no call that writes, the line names the RPC that the operation would
// have called.
func (c *Client) RejectTrail(ctx context.Context, principal *auth.Principal, trail *Trail, fullMethod, namespace string, err error) {
	name := shortName(fullMethod)
	access, known := auth.AccessOf(fullMethod)
	if !trail.pending && !trail.written && audited(access, known, name) {
		trail.record, trail.pending = telemetry.Audit{Namespace: namespace, RPC: name, Outcome: outcomeOf(err)}, true
	}
	c.WriteTrail(ctx, principal, trail)
}

// Audit writes the audit line of an operation that calls no RPC.
func (c *Client) Audit(ctx context.Context, principal *auth.Principal, name, namespace, resource string, err error) {
	c.writeAudit(ctx, principal, telemetry.Audit{Namespace: namespace, RPC: name, Resource: resource, Outcome: outcomeOf(err)})
}

func (c *Client) writeAudit(ctx context.Context, principal *auth.Principal, record telemetry.Audit) {
	if principal != nil {
		record.Principal = principal.Name
	}
	if event := telemetry.FromContext(ctx); event != nil {
		record.RequestID = event.RequestID
	}
	record.Log(ctx, c.options.Log)
}

func outcomeOf(err error) string {
	if err != nil {
		return string(problem.Of(err).Code)
	}
	return "ok"
}
