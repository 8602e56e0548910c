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
func (c *Client) audit(ctx context.Context, call *CallOptions, principal *auth.Principal, fullMethod string, request []byte, err error) {
	access, ok := auth.AccessOf(fullMethod)
	name := shortName(fullMethod)
	if ok && (access.Role <= auth.RoleRead || access.Scope == auth.ScopeOpen || strings.HasPrefix(name, "Poll")) {
		return
	}
	call.audited = true
	c.Audit(ctx, principal, name, call.Namespace, c.methods[fullMethod].Resource(request), err)
}

// AuditRejected writes the audit line of a write that a door has refused before
// [Client.Invoke] was asked. For reads, and for calls that have their line, it
// does nothing.
func (c *Client) AuditRejected(ctx context.Context, fullMethod, namespace string, err error) {
	call := *callFrom(ctx)
	if call.audited {
		return
	}
	call.Namespace = namespace
	principal, _ := auth.PrincipalFrom(ctx)
	c.audit(ctx, &call, principal, fullMethod, nil, err)
}

// Audit writes an audit line, also for what is no call to Temporal.
func (c *Client) Audit(ctx context.Context, principal *auth.Principal, name, namespace, resource string, err error) {
	line := telemetry.Audit{
		Namespace: namespace, RPC: name, Resource: resource, Outcome: "ok",
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
