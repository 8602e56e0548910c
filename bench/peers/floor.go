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
	one       = workflows + "/{workflow}"
)

// floorRoute is a call of the floor: the pattern of its requests, the RPC, what it sends and what it receives into.
type floorRoute struct {
	pattern, method string
	request         proto.Message
	response        func() proto.Message
}

func floorRoutes() []floorRoute {
	return []floorRoute{
		{
			"POST " + one, workflowservice.WorkflowService_StartWorkflowExecution_FullMethodName, messages.Start(),
			func() proto.Message { return &workflowservice.StartWorkflowExecutionResponse{} },
		},
		{
			"POST " + one + "/signal/{signal}", workflowservice.WorkflowService_SignalWorkflowExecution_FullMethodName, messages.SignalIt(),
			func() proto.Message { return &workflowservice.SignalWorkflowExecutionResponse{} },
		},
		{
			"GET " + one, workflowservice.WorkflowService_DescribeWorkflowExecution_FullMethodName, messages.Describe(),
			func() proto.Message { return &workflowservice.DescribeWorkflowExecutionResponse{} },
		},
		{
			"GET " + workflows, workflowservice.WorkflowService_ListWorkflowExecutions_FullMethodName, messages.List(),
			func() proto.Message { return &workflowservice.ListWorkflowExecutionsResponse{} },
		},
		{
			"GET " + one + "/history", workflowservice.WorkflowService_GetWorkflowExecutionHistory_FullMethodName, messages.History(),
			func() proto.Message { return &workflowservice.GetWorkflowExecutionHistoryResponse{} },
		},
		{
			"GET " + one + "/wait", workflowservice.WorkflowService_GetWorkflowExecutionHistory_FullMethodName, messages.Wait(),
			func() proto.Message { return &workflowservice.GetWorkflowExecutionHistoryResponse{} },
		},
	}
}

// Floor makes the floor. Each request is one call with a request that never changes, whose answer is decoded as grpc-go
// does for everybody; then the client gets the bytes that the answer would be as JSON, made beforehand. Nothing is
// converted.
func Floor(conn grpc.ClientConnInterface) (http.Handler, error) {
	answers := messages.Answers()
	mux := http.NewServeMux()
	for _, route := range floorRoutes() {
		body, err := temporalproto.CustomJSONMarshalOptions{
			Metadata: map[string]any{common.EnablePayloadShorthandMetadataKey: true},
		}.Marshal(answers[route.method])
		if err != nil {
			return nil, fmt.Errorf("answer of %s: %w", route.method, err)
		}
		mux.HandleFunc(route.pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := conn.Invoke(r.Context(), route.method, route.request, route.response()); err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(body) // a client that has gone needs no answer
		})
	}
	return mux, nil
}
