package handlers

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"
	"go.temporal.io/api/common/v1"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/request"
	"github.com/flowgate/flowgate/internal/telemetry"
)

// operation is what the adapter knows of a route.
type operation struct {
	// name is the operation's id in api/openapi.yaml.
	name string
	// method is the RPC that stands for the operation's access.
	method string
	// Namespace is the path's.
	namespace string
	// body says whether the request has one.
	body bodyRule
	// handle names the workflow that the operation is for, nil if it is for none.
	handle *handle
	// checksChain says that the RPC itself rejects another chain than the handle's.
	checksChain bool
	// admit decides whether the caller may make the request, where its access to
	// the method does not decide that alone; nil if it does.
	admit func(ctx context.Context, c *operationRequest) error
	// mediaTypes are the media types of the operation's responses, best first; nil
	// means JSON.
	mediaTypes []string
}

// operationRequest is one request of an operation.
type operationRequest struct {
	*operation
	*request.Admitted

	request *http.Request
	// execution is what the operation's handle names.
	execution *common.WorkflowExecution
	// mediaType is the one of the operation's types that the caller accepts.
	mediaType string
	// bodyDigest is that of the body, made for a request with an Idempotency-Key.
	bodyDigest []byte
}

// Identity is the identity of the request's calls.
func (c *operationRequest) identity() string { return c.Principal.Name }

// noParams and noBody are the parameters and the body of operations that have
// none.
type (
	noParams struct{}
	noBody   struct{}
)

// serve runs one operation: it admits the request, binds its parameters, reads
// its body and takes a slot, resolves the workflow that the request names, hands
// the decoded body to do, and writes the response. A body that arrives slowly
// holds no slot, and a response that is read slowly holds its bytes.
func serve[P, B any](a *API, w http.ResponseWriter, r *http.Request, op operation,
	do func(ctx context.Context, c *operationRequest, params *P, body *B) (*response, error),
) {
	ctx, cancel := context.WithTimeout(r.Context(), a.options.Limits.RequestBudget)
	defer cancel()
	err := func() error {
		ctx, admitted, err := a.options.Admit(ctx, r.Header, request.Operation{
			Method: op.method, Namespace: op.namespace, Retry: true, Features: true,
		})
		if err != nil {
			return err
		}
		defer admitted.Close()
		c := &operationRequest{operation: &op, Admitted: admitted, request: r}
		result, err := run(ctx, a, w, c, do)
		if err != nil {
			admitted.Reject(ctx, err)
			return err
		}
		admitted.Release(ctx)
		return result.write(w)
	}()
	if err != nil {
		a.fail(w, r, budgetExceeded(ctx, err))
	}
}

// run makes the response to a request that is admitted.
func run[P, B any](ctx context.Context, a *API, w http.ResponseWriter, c *operationRequest,
	do func(ctx context.Context, c *operationRequest, params *P, body *B) (*response, error),
) (*response, error) {
	params, body := new(P), new(B)
	if err := a.bind(ctx, c, params); err != nil {
		return nil, err
	}
	text, err := c.Enter(ctx, w, c.request, c.body != bodyNone, false)
	if err != nil {
		return nil, err
	}
	if c.body != bodyNone {
		if err := c.Decode(ctx, len(text), func() error { return a.decode(c.request, text, c.body, body) }); err != nil {
			return nil, err
		}
		if c.request.Header.Get(headerIdempotencyKey) != "" {
			c.bodyDigest = digestOf(text)
		}
	}
	if err := a.resolve(ctx, c); err != nil {
		return nil, err
	}
	result, err := do(ctx, c, params, body)
	if err != nil {
		return nil, err
	}
	return result, hold(ctx, c, result)
}

// bind reads the query string and the headers that stand beside the body.
func (a *API) bind(ctx context.Context, c *operationRequest, params any) error {
	query, err := request.ParseQuery(c.request)
	if err != nil {
		return err
	}
	if err := request.BindQuery(query, params); err != nil {
		return err
	}
	c.handle.bind(query)
	if c.admit != nil {
		if err := c.admit(ctx, c); err != nil {
			return err
		}
	}
	c.mediaType, err = negotiate(c.request.Header, c.mediaTypes)
	return err
}

// bind adds what the query string says of the workflow.
func (h *handle) bind(query url.Values) {
	if h != nil {
		h.parameter, h.runID, h.firstRunID = query.Get("workflowId"), query.Get("runId"), query.Get("firstExecutionRunId")
	}
}

// hold encodes a response and reserves the bytes that it holds until it is
// written: about as many as it will have before it is encoded, since all that
// wait for one result get it in the same moment.
func hold(ctx context.Context, c *operationRequest, result *response) error {
	err := c.Reserve(ctx, max(result.size, encodedSize(result.body)))
	if err == nil {
		err = result.encode()
	}
	if err == nil {
		err = c.Reserve(ctx, max(result.size, len(result.text)))
	}
	if err != nil {
		result.raw.Release()
		if result.drop != nil {
			result.drop()
		}
	}
	return err
}

// budgetExceeded distinguishes the end of the request's own budget from that of
// a call.
func budgetExceeded(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) && !errors.As(err, new(*problem.Error)) {
		return problem.New(problem.DeadlineExceeded, "The request took longer than the gateway allows.").WithCause(err)
	}
	return err
}

// fail responds with a problem.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := problem.Of(err)
	event := telemetry.FromContext(r.Context())
	event.SetProblem(string(e.Code), e.LogDetail())
	problem.Write(w, e, problem.Occurrence{RequestID: event.RequestID, Instance: chi.RouteContext(r.Context()).RoutePattern()})
}
