package operation

import (
	"context"
	"net/http"

	"github.com/go-json-experiment/json"
	"go.temporal.io/api/common/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/payload"
	"github.com/flowgate/flowgate/internal/request"
	"github.com/flowgate/flowgate/internal/telemetry"
)

// Request is one admitted request for an operation. It is used by one goroutine at a
// time.
type Request struct {
	*Spec
	*request.Admitted

	HTTP *http.Request
	// Execution is the one that the handle names.
	Execution *common.WorkflowExecution
	// MediaType is the negotiated media type of the response.
	MediaType string

	adapter *Adapter
	// bodyDigest is the digest of the body of a request with an Idempotency-Key.
	bodyDigest []byte
}

// Identity is the identity that Temporal records for the request's calls.
func (req *Request) Identity() string { return req.Principal.Name }

// bind reads the query string, and the headers that do not concern the body.
func (req *Request) bind(ctx context.Context, params any) error {
	query, err := request.ParseQuery(req.HTTP)
	if err != nil {
		return err
	}
	if err := request.BindQuery(query, params); err != nil {
		return err
	}
	req.Handle.bind(query)
	if req.Authorize != nil {
		if err := req.Authorize(ctx, req); err != nil {
			return err
		}
	}
	req.MediaType, err = negotiate(req.HTTP.Header, req.MediaTypes)
	return err
}

// Stamp returns the stamp of a write. Target names the object of the write: writes with
// the same Idempotency-Key on different targets are different.
func (req *Request) Stamp(target ...string) (convert.Stamp, error) {
	requestID, err := req.requestID(target...)
	return convert.Stamp{Namespace: req.Namespace, Identity: req.Identity(), RequestID: requestID, Header: req.WorkflowHeader()}, err
}

// StampWrite returns the stamp of a write on the request's workflow. Its target is the
// run that the caller named, not the one that was found: when the write is repeated,
// the workflow id may mean another run.
func (req *Request) StampWrite(name ...string) (convert.Stamp, error) {
	return req.Stamp(append([]string{req.Execution.GetWorkflowId(), req.Handle.runID}, name...)...)
}

// tracerHeader is the header from which the tracing interceptors of the SDKs read the
// trace of a workflow or of a message: a JSON object of W3C Trace Context (Python's
// temporalio.contrib.opentelemetry, Go's interceptor.TracerOptions.HeaderKey, and
// others).
const tracerHeader = "_tracer-data"

// WorkflowHeader returns the header that the workflow's code receives, with the trace
// context. It is nil without a trace.
func (req *Request) WorkflowHeader() *common.Header {
	fields := telemetry.TraceContext(req.HTTP.Context(), req.HTTP.Header)
	if len(fields) == 0 {
		return nil
	}
	value, _ := json.Marshal(fields, json.Deterministic(true)) // never fails: the propagator accepts ASCII only
	return &common.Header{Fields: map[string]*common.Payload{tracerHeader: payload.FromJSON(value)}}
}
