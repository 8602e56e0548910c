package upstream

import (
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/bench/messages"
)

// New returns the server.
func New() (*grpc.Server, error) {
	responses := map[string][]byte{}
	for method, message := range messages.Responses() {
		wire, err := proto.Marshal(message)
		if err != nil {
			return nil, fmt.Errorf("response of %s: %w", method, err)
		}
		responses[method] = wire
	}
	handle := func(_ any, stream grpc.ServerStream) error { return respond(stream, responses) }
	return grpc.NewServer(grpc.ForceServerCodecV2(wireCodec{}), grpc.UnknownServiceHandler(handle)), nil
}

func respond(stream grpc.ServerStream, responses map[string][]byte) error {
	method, _ := grpc.MethodFromServerStream(stream)
	var request []byte
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	wire, known := responses[method]
	if !known {
		return status.Errorf(codes.Unimplemented, "the fake upstream does not implement %s", method)
	}
	wait, err := isWait(method, request)
	if err != nil {
		return err
	}
	if wait {
		<-stream.Context().Done()
		return status.FromContextError(stream.Context().Err()).Err()
	}
	return stream.SendMsg(&wire)
}

// isWait reports whether a request is a long poll for the close event of a workflow. The event never occurs.
func isWait(method string, wire []byte) (bool, error) {
	if method != workflowservice.WorkflowService_GetWorkflowExecutionHistory_FullMethodName {
		return false, nil
	}
	var request workflowservice.GetWorkflowExecutionHistoryRequest
	if err := proto.Unmarshal(wire, &request); err != nil {
		return false, status.Error(codes.InvalidArgument, err.Error())
	}
	return request.GetWaitNewEvent() && request.GetHistoryEventFilterType() == enums.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT, nil
}
