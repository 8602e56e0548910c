package upstream

import (
	"context"
	"strings"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
)

// Trail collects the audit record of one operation. An operation may make several
// calls that write, such as an update that is sent again until a worker accepts it.
// It has one audit line, for the last of these calls. The door that admitted the
// operation writes the line. A trail is used by one goroutine at a time.
type Trail struct {
	record  telemetry.Audit
	pending bool // the record is not written yet
	written bool // a line is written
}

// audited reports whether calls of an RPC have an audit line: all writes have one.
// Polls for tasks require the role of a writer but write nothing themselves. Calls of
// RPCs that are not in the access table were rejected, and have a line too.
func audited(access auth.Access, known bool, name string) bool {
	return !known || access.Role > auth.RoleRead && access.Scope != auth.ScopeOpen && !strings.HasPrefix(name, "Poll")
}

// audit records a call in the trail. Without a trail, it writes the line immediately.
func (c *Client) audit(ctx context.Context, call *CallOptions, principal *auth.Principal, rpc rpcCall, err error) {
	name := shortName(rpc.method)
	if !audited(rpc.access, rpc.known, name) {
		return
	}
	record := telemetry.Audit{
		Namespace: call.Namespace, RPC: name, Resource: c.methods[rpc.method].Resource(rpc.request), Outcome: outcomeOf(err),
	}
	if call.Trail == nil {
		c.writeAudit(ctx, principal, record)
		return
	}
	call.Trail.record, call.Trail.pending = record, true
}

// WriteTrail writes the line of the calls since the last line, if there were any.
func (c *Client) WriteTrail(ctx context.Context, principal *auth.Principal, trail *Trail) {
	if trail.pending {
		trail.pending, trail.written = false, true
		c.writeAudit(ctx, principal, trail.record)
	}
}

// RejectTrail writes the line of an operation that ends with err. If the operation
// made no call that writes, the line has the RPC that the operation would have
// called.
func (c *Client) RejectTrail(ctx context.Context, principal *auth.Principal, trail *Trail, fullMethod, namespace string, err error) {
	name := shortName(fullMethod)
	access, known := auth.AccessOf(fullMethod)
	if !trail.pending && !trail.written && audited(access, known, name) {
		trail.record, trail.pending = telemetry.Audit{Namespace: namespace, RPC: name, Outcome: outcomeOf(err)}, true
	}
	c.WriteTrail(ctx, principal, trail)
}

// Audit writes the line of an operation that calls no RPC.
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
