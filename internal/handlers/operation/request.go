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
	// Execution is the workflow execution that the handle identifies.
	Execution *common.WorkflowExecution
	// MediaType is the negotiated media type of the response.
	MediaType string

	// BodySize is the size of the body, in bytes.
	BodySize int

	adapter *Adapter
	// bodyDigest is the digest of the body of a request with an Idempotency-Key.
	bodyDigest []byte
	replayed   bool
}

// Identity is the identity that Temporal records for the request's calls.
func (req *Request) Identity() string { return req.Principal.Name }

// MarkReplayed marks the response as the result of an earlier request with the same
// Idempotency-Key and body.
func (req *Request) MarkReplayed() { req.replayed = true }

// bind parses the query string into params and the handle, calls Authorize, and
// negotiates the media type of the response.
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

// Stamp returns the fields of a write that the gateway sets itself. Target identifies the
// object of the write: with the same Idempotency-Key, writes on different targets get
// different request ids.
func (req *Request) Stamp(target ...string) (convert.Stamp, error) {
	requestID, err := req.requestID(target...)
	return convert.Stamp{Namespace: req.Namespace, Identity: req.Identity(), RequestID: requestID, Header: req.WorkflowHeader()}, err
}

// StampWrite returns the stamp of a write on the request's workflow, and on the message
// of this name if there is one. The target has the run id that the caller sent, not the
// one that [Request.resolve] found, which may differ when the write is repeated.
func (req *Request) StampWrite(message ...string) (convert.Stamp, error) {
	return req.Stamp(append([]string{req.Execution.GetWorkflowId(), req.Handle.runID}, message...)...)
}

// tracerHeader is the header from which the tracing interceptors of the SDKs read the
// trace of a workflow or of a message: a JSON object of W3C Trace Context (Python's
// temporalio.contrib.opentelemetry, Go's interceptor.TracerOptions.HeaderKey, and
// others).
const tracerHeader = "_tracer-data"

// WorkflowHeader returns the Temporal header that the workflow's code receives, with the
// trace context of the request. It is nil if the request has none.
func (req *Request) WorkflowHeader() *common.Header {
	fields := telemetry.TraceContext(req.HTTP.Context(), req.HTTP.Header)
	if len(fields) == 0 {
		return nil
	}
	value, _ := json.Marshal(fields, json.Deterministic(true)) // never fails: the propagator accepts ASCII only
	return &common.Header{Fields: map[string]*common.Payload{tracerHeader: payload.FromJSON(value)}}
}
