package handlers

import (
	"github.com/go-json-experiment/json"
	"go.temporal.io/api/common/v1"

	"github.com/flowgate/flowgate/internal/payload"
	"github.com/flowgate/flowgate/internal/telemetry"
)

// tracerHeader is where the tracing interceptors of the SDKs look for the trace
// that a workflow, or the handler of a message, belongs to: a JSON object of W3C
// Trace Context (Python's temporalio.contrib.opentelemetry, Go's
// interceptor.TracerOptions.HeaderKey and their like).
const tracerHeader = "_tracer-data"

// workflowHeader gives what goes with the call to the workflow's code.
func (c *operationRequest) workflowHeader() *common.Header {
	found := telemetry.TraceContext(c.request.Context(), c.request.Header)
	if len(found) == 0 {
		return nil
	}
	value, _ := json.Marshal(found, json.Deterministic(true)) // ASCII: the propagator takes nothing else
	return &common.Header{Fields: map[string]*common.Payload{tracerHeader: payload.FromJSON(value)}}
}
