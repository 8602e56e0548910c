package operation_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/update/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

const callerTraceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// tracedCall is a request for an operation that can reach a workflow's code. headers returns the Temporal headers in
// the upstream call.
type tracedCall struct {
	method, path, body string
	headers            func(*testing.T, *servertest.Gateway) []*common.Header
}

// tracedCalls returns a request for each such operation.
func tracedCalls() map[string]tracedCall {
	return map[string]tracedCall{
		"start": {
			http.MethodPost, "/v1/namespaces/default/workflows", `{"workflowType":"W","workflowId":"order","taskQueue":"q"}`,
			func(t *testing.T, g *servertest.Gateway) []*common.Header {
				return []*common.Header{handlerstest.OnlyRequest[*workflowservice.StartWorkflowExecutionRequest](t, g, "StartWorkflowExecution").GetHeader()}
			},
		},
		"signal with start": {
			http.MethodPost, "/v1/namespaces/default/workflows",
			`{"workflowType":"W","workflowId":"order","taskQueue":"q","startSignal":"s"}`,
			func(t *testing.T, g *servertest.Gateway) []*common.Header {
				return []*common.Header{
					handlerstest.OnlyRequest[*workflowservice.SignalWithStartWorkflowExecutionRequest](t, g, "SignalWithStartWorkflowExecution").GetHeader(),
				}
			},
		},
		"signal": {
			http.MethodPost, "/v1/namespaces/default/workflows/order/signal", `{"signal":"s"}`,
			func(t *testing.T, g *servertest.Gateway) []*common.Header {
				return []*common.Header{handlerstest.OnlyRequest[*workflowservice.SignalWorkflowExecutionRequest](t, g, "SignalWorkflowExecution").GetHeader()}
			},
		},
		"query": {
			http.MethodPost, "/v1/namespaces/default/workflows/order/query", `{"query":"q"}`,
			queryHeaders,
		},
		"query by name": {
			http.MethodGet, "/v1/namespaces/default/workflows/order/query?query=q", "",
			queryHeaders,
		},
		"update": {
			http.MethodPost, servertest.UpdatesPath, handlerstest.AddItemBody,
			func(t *testing.T, g *servertest.Gateway) []*common.Header {
				return []*common.Header{
					handlerstest.OnlyRequest[*workflowservice.UpdateWorkflowExecutionRequest](t, g, "UpdateWorkflowExecution").GetRequest().GetInput().GetHeader(),
				}
			},
		},
		"update with start": {
			http.MethodPost, "/v1/namespaces/default/workflows:updateWithStart",
			`{"start":{"workflowType":"W","workflowId":"order","taskQueue":"q","idConflictPolicy":"FAIL"},"update":` + handlerstest.AddItemBody + `}`,
			func(t *testing.T, g *servertest.Gateway) []*common.Header {
				operations := handlerstest.OnlyRequest[*workflowservice.ExecuteMultiOperationRequest](t, g, "ExecuteMultiOperation").GetOperations()
				require.Len(t, operations, 2)
				return []*common.Header{
					operations[0].GetStartWorkflow().GetHeader(), operations[1].GetUpdateWorkflow().GetRequest().GetInput().GetHeader(),
				}
			},
		},
		"batch signal": {
			http.MethodPost, "/v1/namespaces/default/batches",
			`{"query":"WorkflowType = 'W'","reason":"r","operation":{"signal":{"signal":"s"}}}`,
			func(t *testing.T, g *servertest.Gateway) []*common.Header {
				return []*common.Header{handlerstest.OnlyRequest[*workflowservice.StartBatchOperationRequest](t, g, "StartBatchOperation").
					GetSignalOperation().GetHeader()}
			},
		},
	}
}

func queryHeaders(t *testing.T, g *servertest.Gateway) []*common.Header {
	return []*common.Header{handlerstest.OnlyRequest[*workflowservice.QueryWorkflowRequest](t, g, "QueryWorkflow").GetQuery().GetHeader()}
}

// withoutDrainDelay configures a gateway without a drain delay.
func withoutDrainDelay(cfg *config.Config) { cfg.Listen.DrainDelay = 0 }

// handleTracedCalls makes the upstream respond to the RPCs of all traced calls.
func handleTracedCalls(g *servertest.Gateway) {
	handlerstest.HandleManagementRPCs(g)
	g.Upstream.Handle("StartWorkflowExecution", upstreamtest.Respond(&workflowservice.StartWorkflowExecutionResponse{RunId: temporalfake.RunID, Started: true}))
	g.Upstream.Handle("SignalWithStartWorkflowExecution", upstreamtest.Respond(&workflowservice.SignalWithStartWorkflowExecutionResponse{RunId: temporalfake.RunID}))
	g.Upstream.Handle("SignalWorkflowExecution", upstreamtest.Respond(&workflowservice.SignalWorkflowExecutionResponse{}))
	g.Upstream.Handle("QueryWorkflow", upstreamtest.Respond(&workflowservice.QueryWorkflowResponse{}))
	done := &workflowservice.UpdateWorkflowExecutionResponse{
		UpdateRef: &update.UpdateRef{WorkflowExecution: &common.WorkflowExecution{WorkflowId: "order", RunId: temporalfake.RunID}, UpdateId: "u-1"},
		Outcome:   &update.Outcome{Value: &update.Outcome_Success{Success: &common.Payloads{}}},
		Stage:     enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED,
	}
	g.Upstream.Handle("UpdateWorkflowExecution", upstreamtest.Respond(done))
	g.Upstream.Handle("ExecuteMultiOperation", upstreamtest.Respond(&workflowservice.ExecuteMultiOperationResponse{
		Responses: []*workflowservice.ExecuteMultiOperationResponse_Response{
			{Response: &workflowservice.ExecuteMultiOperationResponse_Response_StartWorkflow{
				StartWorkflow: &workflowservice.StartWorkflowExecutionResponse{RunId: temporalfake.RunID, Started: true},
			}},
			{Response: &workflowservice.ExecuteMultiOperationResponse_Response_UpdateWorkflow{UpdateWorkflow: done}},
		},
	}))
}

func TestTheTraceContextOfTheCallerIsInTheWorkflowHeaders(t *testing.T) {
	t.Parallel()
	for name, c := range tracedCalls() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := servertest.Start(t, servertest.Options{Configure: withoutDrainDelay})
			handleTracedCalls(g)
			resp := g.Do(t, c.method, c.path, c.body, "traceparent", callerTraceparent, "tracestate", "vendor=1")
			require.Less(t, resp.Status, http.StatusBadRequest, resp.Body)
			for _, header := range c.headers(t, g) {
				payload := header.GetFields()["_tracer-data"]
				require.Equal(t, "json/plain", string(payload.GetMetadata()["encoding"]))
				require.JSONEq(t, `{"traceparent":"`+callerTraceparent+`","tracestate":"vendor=1"}`, string(payload.GetData()))
			}
		})
	}
}

// Several tracestate headers form one list. A request with two traceparent headers has no trace context.
func TestRepeatedTraceHeaders(t *testing.T) {
	t.Parallel()
	c := tracedCalls()["signal"]
	for want, headers := range map[string][]string{
		`{"traceparent":"` + callerTraceparent + `","tracestate":"a=1,b=2"}`: {"tracestate", "a=1", "traceparent", callerTraceparent, "tracestate", "b=2"},
		"": {"traceparent", callerTraceparent, "traceparent", callerTraceparent, "tracestate", "a=1"},
	} {
		g := servertest.Start(t, servertest.Options{Configure: withoutDrainDelay})
		handleTracedCalls(g)
		request, err := http.NewRequestWithContext(t.Context(), c.method, "http://gateway"+c.path, strings.NewReader(c.body))
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+servertest.WriterKey)
		request.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(headers); i += 2 {
			request.Header.Add(headers[i], headers[i+1])
		}
		response, err := g.Client.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusNoContent, response.StatusCode)
		for _, header := range c.headers(t, g) {
			require.Equal(t, want, string(header.GetFields()["_tracer-data"].GetData()))
		}
	}
}

// Without a valid traceparent, the gateway adds no header to the workflow's history.
func TestWithoutATraceContextThereAreNoWorkflowHeaders(t *testing.T) {
	t.Parallel()
	for name, c := range tracedCalls() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, traceparent := range []string{"", "00-00000000000000000000000000000000-b7ad6b7169203331-01", "marker"} {
				g := servertest.Start(t, servertest.Options{Configure: withoutDrainDelay})
				handleTracedCalls(g)
				resp := g.Do(t, c.method, c.path, c.body, "traceparent", traceparent, "tracestate", "vendor=1")
				require.Less(t, resp.Status, http.StatusBadRequest, resp.Body)
				for _, header := range c.headers(t, g) {
					require.Nil(t, header)
				}
			}
		})
	}
}

// If the gateway records a span for the request, that span is the parent of the workflow's span.
// The test sets environment variables, so it does not run in parallel.
func TestTheSpanOfTheGatewayIsTheParentOfTheWorkflowsSpan(t *testing.T) {
	t.Setenv("OTEL_TRACES_EXPORTER", "otlp")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	for _, sampler := range []string{"always_on", "always_off"} {
		t.Setenv("OTEL_TRACES_SAMPLER", sampler)
		g := servertest.Start(t, servertest.Options{Configure: withoutDrainDelay, Getenv: func(name string) string {
			return map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}[name]
		}})
		handleTracedCalls(g)
		c := tracedCalls()["start"]
		require.Equal(t, http.StatusCreated, g.Do(t, c.method, c.path, c.body).Status)
		header := c.headers(t, g)[0]
		if sampler == "always_off" {
			require.Nil(t, header, "if the gateway records no span, the worker decides whether to sample")
			continue
		}
		require.Regexp(t, `^\{"traceparent":"00-[0-9a-f]{32}-[0-9a-f]{16}-01"\}$`, string(header.GetFields()["_tracer-data"].GetData()))
	}
}
