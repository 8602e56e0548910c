package inspect_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream/inspect"
)

const (
	orders   = "orders"
	payments = "payments" // another tenant's

	start           = workflowservice.WorkflowService_StartWorkflowExecution_FullMethodName
	workflowService = "/temporal.api.workflowservice.v1.WorkflowService/"
	operatorService = "/temporal.api.operatorservice.v1.OperatorService/"
)

// compiled are all RPCs.
var compiled = inspect.Compile() //nolint:gochecknoglobals // it is immutable

// check checks a request in the namespace orders for a caller without limits.
func check(method string, request []byte) error {
	return checkFor(auth.Principal{CompletionCallbacks: true}, method, request)
}

// checkFor checks a request in the namespace orders.
func checkFor(principal auth.Principal, method string, request []byte) error {
	return compiled[method].Check(&principal, orders, request)
}

// requireProblem requires that err is a problem with the given code.
func requireProblem(t testing.TB, want problem.Code, err error) {
	t.Helper()
	_ = problemOf(t, want, err)
}

// problemOf returns err as a problem, which must have the given code.
func problemOf(t testing.TB, want problem.Code, err error) *problem.Error {
	t.Helper()
	require.Error(t, err)
	e := problem.Of(err)
	require.Equal(t, want, e.Code, "%v", err)
	return e
}

// wire encodes a message.
func wire(t testing.TB, message proto.Message) []byte {
	t.Helper()
	encoded, err := proto.Marshal(message)
	require.NoError(t, err)
	return encoded
}

// methods returns the methods of the linked API by full method name.
func methods() map[string]protoreflect.MethodDescriptor {
	all := map[string]protoreflect.MethodDescriptor{}
	for method := range auth.Methods() {
		all[auth.FullMethod(method)] = method
	}
	return all
}

// newMessage returns an empty message of a linked type.
func newMessage(t testing.TB, d protoreflect.MessageDescriptor) protoreflect.Message {
	t.Helper()
	messageType, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	require.NoError(t, err)
	return messageType.New()
}
