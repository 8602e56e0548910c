package operation

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/request"
	"github.com/flowgate/flowgate/internal/seal"
	"github.com/flowgate/flowgate/internal/telemetry"
)

// Adapter runs the operations of all resources.
type Adapter struct {
	*request.Front

	pageTokenKeys *seal.Keys
	limits        Limits
}

// Limits are the time limits of one request.
type Limits struct {
	// MaxWait is the longest wait that a caller can request.
	MaxWait time.Duration
	// RequestBudget is the longest duration of a request that is not a stream.
	RequestBudget time.Duration
}

// New returns an adapter that seals page tokens with pageTokenKeys.
func New(front *request.Front, pageTokenKeys *seal.Keys, limits Limits) *Adapter {
	return &Adapter{Front: front, pageTokenKeys: pageTokenKeys, limits: limits}
}

// Serve runs one operation: it admits the request, binds the query parameters to P,
// reads the body, acquires a slot, decodes the body into B, resolves the workflow
// that the request names, calls do, and writes the response that do returns. A client
// that sends its body slowly holds no slot. One that reads its response slowly holds
// no slot either, only the memory of the response.
func Serve[P, B any](a *Adapter, w http.ResponseWriter, r *http.Request, spec Spec,
	do func(ctx context.Context, req *Request, params *P, body *B) (*Response, error),
) {
	ctx, cancel := context.WithTimeout(r.Context(), a.limits.RequestBudget)
	defer cancel()
	err := func() error {
		ctx, admitted, err := a.Admit(ctx, r.Header, request.Operation{
			Method: spec.Method, Namespace: spec.Namespace, NamespaceInMessage: spec.NamespaceInBody, AnyGrant: spec.AnyGrant,
			Retry: true, Features: true,
		})
		if err != nil {
			return err
		}
		defer admitted.Close()
		req := &Request{Spec: &spec, Admitted: admitted, HTTP: r, adapter: a}
		response, err := respond(ctx, w, req, do)
		if err != nil {
			return admitted.Reject(ctx, err)
		}
		admitted.Release(ctx)
		return response.write(w)
	}()
	if err != nil {
		a.fail(w, r, budgetExceeded(ctx, err))
	}
}

// respond returns the response to an admitted request.
func respond[P, B any](ctx context.Context, w http.ResponseWriter, req *Request,
	do func(ctx context.Context, req *Request, params *P, body *B) (*Response, error),
) (*Response, error) {
	params, body := new(P), new(B)
	if err := req.bind(ctx, params); err != nil {
		return nil, err
	}
	text, err := req.ReadBodyAndAcquireSlot(ctx, w, req.HTTP, req.Body != BodyNone, false)
	if err != nil {
		return nil, err
	}
	req.BodySize = len(text)
	if req.Body != BodyNone {
		if err := req.Decode(ctx, len(text), func() error { return req.adapter.decode(req.HTTP, text, req.Spec, body) }); err != nil {
			return nil, err
		}
		if req.HasIdempotencyKey() {
			req.bodyDigest = digestBody(text)
		}
	}
	if err := req.resolve(ctx); err != nil {
		return nil, err
	}
	response, err := do(ctx, req, params, body)
	if err != nil {
		return nil, err
	}
	response.replayed = req.replayed
	return response, encodeReserved(ctx, req, response)
}

// encodeReserved encodes a response and reserves its memory until it is written. It
// reserves an estimate before it encodes, because all requests that wait for the same
// result encode it at the same moment.
func encodeReserved(ctx context.Context, req *Request, response *Response) error {
	err := req.Reserve(ctx, max(response.size, encodedSize(response.Body)))
	if err == nil {
		err = response.encode()
	}
	if err == nil {
		err = req.Reserve(ctx, max(response.size, len(response.text)))
	}
	if err != nil {
		response.raw.Release()
		if response.drop != nil {
			response.drop()
		}
	}
	return err
}

// budgetExceeded replaces an error that was caused by the end of the request budget
// with the problem deadline-exceeded. It keeps an error that is already a problem.
func budgetExceeded(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) && !errors.As(err, new(*problem.Error)) {
		return problem.New(problem.DeadlineExceeded, "The request took longer than the gateway allows.").WithCause(err)
	}
	return err
}

// fail writes the problem of a request that failed before its response began.
func (a *Adapter) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := problem.Of(err)
	event := telemetry.FromContext(r.Context())
	event.SetProblem(string(e.Code), e.LogDetail())
	problem.Write(w, e, problem.Occurrence{RequestID: event.RequestID, Instance: chi.RouteContext(r.Context()).RoutePattern()})
}
