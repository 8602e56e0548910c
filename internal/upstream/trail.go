package upstream

import (
	"context"
	"net/http"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/transcode"
	"github.com/flowgate/flowgate/internal/upstream/inspect"
)

// Trail collects the audit record of one operation. An operation may make several
// calls that write, such as an update that is sent again until a worker accepts it,
// but it has one audit line, for the last of these calls. The door that admitted the
// operation writes the line. A Trail is not safe for concurrent use.
type Trail struct {
	record  telemetry.Audit
	pending bool // record has not been written yet
	written bool // at least one line has been written
	effect  bool // a call that writes may have taken effect
}

// HasCall reports whether a call that writes is in the trail.
func (t *Trail) HasCall() bool { return t.pending || t.written }

// MayHaveTakenEffect reports whether the gateway has sent a call that writes and that the
// server has not refused.
func (t *Trail) MayHaveTakenEffect() bool { return t.effect }

// audited reports whether a call to an RPC gets an audit line. All writes get one. A poll
// for tasks requires the role write, but changes nothing unless it receives a task, which
// [Client.auditPoll] records; here it gets a line only if it was refused. RPCs that are
// not in the access table are always rejected, and get one too.
func audited(access auth.Access, known bool, name string, err error) bool {
	if !known {
		return true
	}
	if access.Role <= auth.RoleRead || access.Scope == auth.ScopeNone {
		return false
	}
	return !isPoll(name) || err != nil && problem.Of(err).Code.Row().Status == http.StatusForbidden
}

func isPoll(name string) bool { return strings.HasPrefix(name, "Poll") }

// tokenField is the number of the field task_token in the response to each poll for tasks.
const tokenField protowire.Number = 1

// auditPoll records a poll that has received a task: it starts an attempt, and hands out
// the arguments. The resource is that of the later report on the task.
func (c *Client) auditPoll(ctx context.Context, options *CallOptions, principal *auth.Principal, rpc rpcCall, response []byte) {
	name := shortName(rpc.method)
	if !isPoll(name) || rpc.access.Role <= auth.RoleRead {
		return
	}
	for number, value := range transcode.Fields(response) {
		if number == tokenField && len(value) > 0 {
			c.record(ctx, options, principal, telemetry.Audit{
				Namespace: options.Namespace, RPC: name, Resource: inspect.TaskResource(value), Outcome: outcomeOf(nil),
			})
			return
		}
	}
}

// audit records a call in the trail. Without a trail, it writes the line immediately.
func (c *Client) audit(ctx context.Context, options *CallOptions, principal *auth.Principal, rpc rpcCall, err error) {
	name := shortName(rpc.method)
	detached := isPoll(name) && options.Trail == nil // the door of the request writes the line
	if !audited(rpc.access, rpc.known, name, err) || detached {
		return
	}
	c.record(ctx, options, principal, telemetry.Audit{
		Namespace: options.Namespace, RPC: name, Resource: c.methods[rpc.method].Resource(rpc.request), Outcome: outcomeOf(err),
	})
}

func (c *Client) record(ctx context.Context, options *CallOptions, principal *auth.Principal, record telemetry.Audit) {
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
	if !trail.pending && !trail.written && audited(access, known, name, err) {
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
