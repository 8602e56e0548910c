package upstreamtest

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
)

// Wire encodes a message.
func Wire(t testing.TB, message proto.Message) []byte {
	t.Helper()
	encoded, err := proto.Marshal(message)
	require.NoError(t, err)
	return encoded
}

// Methods returns all methods of the linked Temporal API, by full method name.
func Methods() map[string]protoreflect.MethodDescriptor {
	all := map[string]protoreflect.MethodDescriptor{}
	for method := range auth.Methods() {
		all[auth.FullMethod(method)] = method
	}
	return all
}

// NewMessage returns an empty message of the type that d describes.
func NewMessage(t testing.TB, d protoreflect.MessageDescriptor) protoreflect.Message {
	t.Helper()
	messageType, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	require.NoError(t, err)
	return messageType.New()
}

// LinkTo returns a link to a workflow event in a namespace.
func LinkTo(namespace string) []*common.Link {
	return []*common.Link{{Variant: &common.Link_WorkflowEvent_{
		WorkflowEvent: &common.Link_WorkflowEvent{Namespace: namespace, WorkflowId: "w"},
	}}}
}

// UpdateWithStart returns a request that executes start and then update, in the namespace
// of start.
func UpdateWithStart(
	start *workflowservice.StartWorkflowExecutionRequest, update *workflowservice.UpdateWorkflowExecutionRequest,
) *workflowservice.ExecuteMultiOperationRequest {
	type operation = workflowservice.ExecuteMultiOperationRequest_Operation
	return &workflowservice.ExecuteMultiOperationRequest{
		Namespace: start.GetNamespace(),
		Operations: []*operation{
			{Operation: &workflowservice.ExecuteMultiOperationRequest_Operation_StartWorkflow{StartWorkflow: start}},
			{Operation: &workflowservice.ExecuteMultiOperationRequest_Operation_UpdateWorkflow{UpdateWorkflow: update}},
		},
	}
}

// RequireProblem requires that err is a problem with the given code.
func RequireProblem(t testing.TB, want problem.Code, err error) {
	t.Helper()
	_ = ProblemOf(t, want, err)
}

// ProblemOf requires that err is a problem with the given code, and returns it.
func ProblemOf(t testing.TB, want problem.Code, err error) *problem.Error {
	t.Helper()
	require.Error(t, err)
	e := problem.Of(err)
	require.Equal(t, want, e.Code, "%v", err)
	return e
}
