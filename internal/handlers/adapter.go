package handlers

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-chi/chi/v5"
	"go.temporal.io/api/common/v1"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/limit"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/request"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/upstream"
)

// operation is what the adapter needs to know of a route.
type operation struct {
	// name is the operation's id in api/openapi.yaml.
	name string
	// method is the RPC that stands for the operation's access.
	method string
	// namespace is the path's.
	namespace string
	// params is the generated struct of the query parameters, nil for none.
	params any
	// body says whether the request has one.
	body bodyRule
	// handle names the workflow that the operation is for, nil if it is for none.
	handle *handle
	// checksChain says that the RPC itself refuses another chain than the handle's.
	checksChain bool
	// admit says whether the caller may, where its access to the method does not
	// decide that alone; nil if it does.
	admit func(ctx context.Context, c *operationRequest) error
	// mediaTypes are the media types that the operation can answer with, best first;
	// nil means JSON.
	mediaTypes []string
}

// request is one request on its way.
type operationRequest struct {
	*operation
	request   *http.Request
	principal *auth.Principal
	// execution is what the operation's handle names.
	execution *common.WorkflowExecution
	// mediaType is the one of the operation's types that the caller takes.
	mediaType string
	// bodyDigest is that of the body, made for a request with an Idempotency-Key.
	bodyDigest []byte
	// slot is the request's among those of its kind, waiting the one among the
	// waits.
	slot, waitSlot limit.Slot
	// held are the bytes of the response, or of the part of it that is written,
	// and room how many the last part of a stream took.
	held limit.Reservation
	room int64
}

// identity is what the request is stamped with upstream.
func (c *operationRequest) identity() string { return c.principal.Name }

// serve runs one operation: it decides whether the caller may, checks the
// request's form, reads its body, takes a slot, finds the workflow that the
// request names, hands the decoded body to do, and writes what comes back. A
// body that arrives slowly holds no slot, and a response that is read slowly
// holds its bytes.
func serve[B any](a *API, w http.ResponseWriter, r *http.Request, op operation,
	do func(ctx context.Context, c *operationRequest, body *B) (*response, error),
) {
	ctx, cancel := context.WithTimeout(r.Context(), a.options.Limits.RequestBudget)
	defer cancel()
	made := ctx // with the upstream call, as far as it got
	c := &operationRequest{operation: &op, request: r}
	defer func() { c.held.Release() }()
	result, err := func() (*response, error) {
		ctx, err := a.prepare(ctx, c)
		if err != nil {
			return nil, err
		}
		made = ctx //nolint:fatcontext // for what a refusal is told with
		text, err := a.enter(ctx, w, c)
		if err != nil {
			return nil, err
		}
		defer func() {
			c.slot.Release()
			c.waitSlot.Release()
		}()
		body := new(B)
		if op.body != bodyNone {
			if err := a.decode(r, text, op.body, body); err != nil {
				return nil, err
			}
			if r.Header.Get(headerIdempotencyKey) != "" {
				c.bodyDigest = digestOf(text)
			}
		}
		if err := a.resolve(ctx, c); err != nil {
			return nil, err
		}
		result, err := do(ctx, c, body)
		if err != nil {
			return nil, err
		}
		return result, a.hold(ctx, c, result)
	}()
	if err != nil {
		a.options.Upstream.AuditRejected(made, op.method, op.namespace, err)
	} else {
		err = result.write(w)
	}
	if err != nil {
		a.fail(w, r, budgetExceeded(ctx, err))
	}
}

// prepare authorises the caller first, so that whoever may not call learns
// nothing from how the rest of the request is judged.
func (a *API) prepare(ctx context.Context, c *operationRequest) (context.Context, error) {
	r, op := c.request, c.operation
	c.principal, _ = auth.PrincipalFrom(ctx)
	if err := c.principal.Authorize(op.method, op.namespace); err != nil {
		return nil, err
	}
	if err := request.CheckNamespace(op.namespace); err != nil {
		return nil, err
	}
	telemetry.FromContext(ctx).SetNamespace(op.namespace) // not before: anybody may name anything
	if op.admit != nil {
		if err := op.admit(ctx, c); err != nil {
			return nil, err
		}
	}
	if err := checkQuery(r, op.params); err != nil {
		return nil, err
	}
	var err error
	if c.mediaType, err = negotiate(r.Header, op.mediaTypes); err != nil {
		return nil, err
	}
	timeout, err := request.Timeout(r.Header)
	if err != nil {
		return nil, err
	}
	md, err := request.Metadata(r.Header, a.allowedMetadata(c.principal))
	if err != nil {
		return nil, err
	}
	return upstream.NewContext(ctx, &upstream.CallOptions{
		Namespace: op.namespace, Timeout: timeout, Metadata: md, Retry: true, Features: true,
	}), nil
}

// enter reads the body and then takes a slot: bodies that arrive slowly have a
// bound of their own.
func (a *API) enter(ctx context.Context, w http.ResponseWriter, c *operationRequest) (body []byte, err error) {
	var arrived limit.Reservation
	if c.body != bodyNone {
		if body, arrived, err = a.options.Bodies.Read(w, c.request, c.principal); err != nil {
			return nil, err
		}
	}
	c.slot, err = a.pool(c.method).Acquire(ctx, c.principal.Account(), c.principal.Share)
	arrived.Release()
	return body, err
}

// pool gives the one for the requests that a method stands for.
func (a *API) pool(method string) *limit.Pool {
	if access, ok := auth.AccessOf(method); ok && access.Role > auth.RoleRead {
		return a.options.Writes
	}
	return a.options.Reads
}

// budgetExceeded tells the end of the request's own budget from that of a call.
func budgetExceeded(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) && !errors.As(err, new(*problem.Error)) {
		return problem.New(problem.DeadlineExceeded, "The request took longer than the gateway allows.").WithCause(err)
	}
	return err
}

// fail answers with a problem.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := problem.Of(err)
	event := telemetry.FromContext(r.Context())
	event.SetProblem(string(e.Code), e.LogDetail())
	at := problem.Occurrence{
		RequestID: w.Header().Get("X-Request-Id"), Instance: chi.RouteContext(r.Context()).RoutePattern(),
	}
	problem.Write(w, e, at)
}

// allowedMetadata are the keys that the caller may send.
func (a *API) allowedMetadata(principal *auth.Principal) request.Keys {
	return request.Allowed(a.options.CallerMetadata, principal)
}
