package peers

import (
	"fmt"
	"net/http"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/bench/messages"
)

const (
	workflows = "/api/v1/namespaces/{namespace}/workflows"
	workflow  = workflows + "/{workflow}"
)

// floorRoute is a route of the floor: the URL pattern, the full name of the RPC, the constant request, and a function
// that returns an empty response.
type floorRoute struct {
	pattern, method string
	request         proto.Message
	response        func() proto.Message
}

func floorRoutes() []floorRoute {
	return []floorRoute{
		{
			"POST " + workflow, workflowservice.WorkflowService_StartWorkflowExecution_FullMethodName, messages.StartRequest(),
			func() proto.Message { return &workflowservice.StartWorkflowExecutionResponse{} },
		},
		{
			"POST " + workflow + "/signal/{signal}", workflowservice.WorkflowService_SignalWorkflowExecution_FullMethodName, messages.SignalRequest(),
			func() proto.Message { return &workflowservice.SignalWorkflowExecutionResponse{} },
		},
		{
			"GET " + workflow, workflowservice.WorkflowService_DescribeWorkflowExecution_FullMethodName, messages.DescribeRequest(),
			func() proto.Message { return &workflowservice.DescribeWorkflowExecutionResponse{} },
		},
		{
			"GET " + workflows, workflowservice.WorkflowService_ListWorkflowExecutions_FullMethodName, messages.ListRequest(),
			func() proto.Message { return &workflowservice.ListWorkflowExecutionsResponse{} },
		},
		{
			"GET " + workflow + "/history", workflowservice.WorkflowService_GetWorkflowExecutionHistory_FullMethodName, messages.HistoryRequest(),
			func() proto.Message { return &workflowservice.GetWorkflowExecutionHistoryResponse{} },
		},
		{
			"GET " + workflow + "/wait", workflowservice.WorkflowService_GetWorkflowExecutionHistory_FullMethodName, messages.WaitRequest(),
			func() proto.Message { return &workflowservice.GetWorkflowExecutionHistoryResponse{} },
		},
	}
}

// Floor returns the handler of the floor. For each HTTP request it makes one RPC with a constant request and
// responds with a precomputed JSON body. It converts nothing, but grpc-go decodes the response of the RPC as usual.
func Floor(conn grpc.ClientConnInterface) (http.Handler, error) {
	responses := messages.Responses()
	mux := http.NewServeMux()
	for _, route := range floorRoutes() {
		body, err := temporalproto.CustomJSONMarshalOptions{
			Metadata: map[string]any{common.EnablePayloadShorthandMetadataKey: true},
		}.Marshal(responses[route.method])
		if err != nil {
			return nil, fmt.Errorf("response of %s: %w", route.method, err)
		}
		mux.HandleFunc(route.pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := conn.Invoke(r.Context(), route.method, route.request, route.response()); err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(body) // an error means that the client has disconnected
		})
	}
	return mux, nil
}
