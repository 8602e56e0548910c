package upstream_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/upstream"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	orders   = "orders"
	payments = "payments" // another tenant's

	marker = "MARKER" // must not be visible to callers

	workflowService = "/temporal.api.workflowservice.v1.WorkflowService/"
)

// Methods that the tests call often.
const (
	start         = workflowservice.WorkflowService_StartWorkflowExecution_FullMethodName
	describe      = workflowservice.WorkflowService_DescribeWorkflowExecution_FullMethodName
	terminate     = workflowservice.WorkflowService_TerminateWorkflowExecution_FullMethodName
	query         = workflowservice.WorkflowService_QueryWorkflow_FullMethodName
	getSystemInfo = workflowservice.WorkflowService_GetSystemInfo_FullMethodName
)

// newClient makes a client of server with the gateway's default settings.
func newClient(t testing.TB, server *upstreamtest.Server, adjust ...func(*upstream.Options)) *upstream.Client {
	t.Helper()
	credential := auth.NoCredential()
	metrics, err := telemetry.NewMetrics("test")
	require.NoError(t, err)
	options := upstream.Options{
		Server:     upstream.Server{Address: "temporal.example:7233"},
		KeepAlive:  upstream.KeepAlive{Interval: 30 * time.Second, Timeout: 15 * time.Second},
		Credential: credential,
		Timeouts:   upstream.Timeouts{Default: 30 * time.Second, Max: 5 * time.Minute},
		Retry: upstream.RetryPolicy{
			InitialInterval: 100 * time.Millisecond, Multiplier: 1.7, MaxInterval: 5 * time.Second,
			MaxElapsed: 10 * time.Second, MaxAttempts: 10,
		},
		MaxResponseBytes: 128 << 20,
		Version:          "1.2.3",
		Log:              slog.New(slog.DiscardHandler),
		Metrics:          metrics,
	}
	if server != nil {
		options.Dial = server.Dial
	}
	for _, change := range adjust {
		change(&options)
	}
	client, err := upstream.New(options)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() }) // some tests close it themselves
	return client
}

// as gives ctx the principal that may do everything in orders and in the
// cluster, and the call.
func as(ctx context.Context, call upstream.CallOptions) context.Context {
	principal := &auth.Principal{Name: "caller", Grants: []auth.Grant{
		{Namespace: orders, Role: auth.RoleAdmin}, {Namespace: auth.SystemNamespace, Role: auth.RoleAdmin},
	}, CompletionCallbacks: true}
	return upstream.NewContext(auth.WithPrincipal(ctx, principal), &call)
}

// inOrders is the context of a call in orders.
func inOrders(ctx context.Context) context.Context {
	return as(ctx, upstream.CallOptions{Namespace: orders})
}

// retrying is the context of a call in orders that may be repeated.
func retrying(ctx context.Context) context.Context {
	return as(ctx, upstream.CallOptions{Namespace: orders, Retry: true})
}

// wire encodes a message.
func wire(t testing.TB, message proto.Message) []byte {
	t.Helper()
	encoded, err := proto.Marshal(message)
	require.NoError(t, err)
	return encoded
}

// ask describes a workflow in orders.
func ask(ctx context.Context, client *upstream.Client) error {
	return client.Do(ctx, describe, &workflowservice.DescribeWorkflowExecutionRequest{Namespace: orders},
		&workflowservice.DescribeWorkflowExecutionResponse{})
}

// end terminates a workflow in orders: a write that nothing makes repeatable.
func end(ctx context.Context, client *upstream.Client) error {
	return client.Do(ctx, terminate, &workflowservice.TerminateWorkflowExecutionRequest{Namespace: orders},
		&workflowservice.TerminateWorkflowExecutionResponse{})
}

// requireProblem holds err against a code.
func requireProblem(t testing.TB, want problem.Code, err error) {
	t.Helper()
	_ = problemOf(t, want, err)
}

// problemOf gives err as the problem of a code that it has to be.
func problemOf(t testing.TB, want problem.Code, err error) *problem.Error {
	t.Helper()
	require.Error(t, err)
	e := problem.Of(err)
	require.Equal(t, want, e.Code, "%v", err)
	return e
}

// methods returns the methods of the linked API by full method name.
func methods() map[string]protoreflect.MethodDescriptor {
	all := map[string]protoreflect.MethodDescriptor{}
	for method := range auth.Methods() {
		all[auth.FullMethod(method)] = method
	}
	return all
}

// namespaceOnly is the wire form of a request in a namespace with no other field.
func namespaceOnly(namespace string) []byte {
	return protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), namespace)
}

// linkTo links to a workflow event in a namespace.
func linkTo(namespace string) []*common.Link {
	return []*common.Link{{Variant: &common.Link_WorkflowEvent_{
		WorkflowEvent: &common.Link_WorkflowEvent{Namespace: namespace, WorkflowId: "w"},
	}}}
}

// updateWithStart is the request of a start and an update in one call.
func updateWithStart(
	start *workflowservice.StartWorkflowExecutionRequest, update *workflowservice.UpdateWorkflowExecutionRequest,
) *workflowservice.ExecuteMultiOperationRequest {
	type operation = workflowservice.ExecuteMultiOperationRequest_Operation
	return &workflowservice.ExecuteMultiOperationRequest{
		Namespace: orders,
		Operations: []*operation{
			{Operation: &workflowservice.ExecuteMultiOperationRequest_Operation_StartWorkflow{StartWorkflow: start}},
			{Operation: &workflowservice.ExecuteMultiOperationRequest_Operation_UpdateWorkflow{UpdateWorkflow: update}},
		},
	}
}

// newMessage makes an empty message of a linked type.
func newMessage(t testing.TB, d protoreflect.MessageDescriptor) protoreflect.Message {
	t.Helper()
	messageType, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	require.NoError(t, err)
	return messageType.New()
}

// requestIn makes a method's request that names nothing but its namespace.
func requestIn(t testing.TB, method protoreflect.MethodDescriptor, namespace string) protoreflect.Message {
	t.Helper()
	request := newMessage(t, method.Input())
	if field := method.Input().Fields().ByName("namespace"); field != nil {
		request.Set(field, protoreflect.ValueOfString(namespace))
	}
	return request
}
