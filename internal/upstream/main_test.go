package upstream_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/upstream"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	orders   = "orders"
	payments = "payments" // the namespace of another tenant

	marker = "MARKER" // text that callers must not see

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

// newClient returns a client with the default settings of the gateway. It is connected to
// server, unless server is nil.
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
	t.Cleanup(func() { _ = client.Close() }) // fails if the test has closed it
	return client
}

// withOptions returns a context with the options, and with a principal that has the role
// admin on the namespace orders and on the cluster.
func withOptions(ctx context.Context, options upstream.CallOptions) context.Context {
	principal := &auth.Principal{Name: "caller", Grants: []auth.Grant{
		{Namespace: orders, Role: auth.RoleAdmin}, {Namespace: auth.SystemNamespace, Role: auth.RoleAdmin},
	}, CompletionCallbacks: true}
	return upstream.WithOptions(auth.WithPrincipal(ctx, principal), &options)
}

// inOrdersNamespace returns the context of a call in the namespace orders.
func inOrdersNamespace(ctx context.Context) context.Context {
	return withOptions(ctx, upstream.CallOptions{Namespace: orders})
}

// withRetries returns the context of a call in the namespace orders that may be retried.
func withRetries(ctx context.Context) context.Context {
	return withOptions(ctx, upstream.CallOptions{Namespace: orders, Retry: true})
}

// describeWorkflow describes a workflow in the namespace orders. Describing is a read,
// which may be retried.
func describeWorkflow(ctx context.Context, client *upstream.Client) error {
	return client.Do(ctx, describe, &workflowservice.DescribeWorkflowExecutionRequest{Namespace: orders},
		&workflowservice.DescribeWorkflowExecutionResponse{})
}

// terminateWorkflow terminates a workflow in the namespace orders. Terminating is a write,
// which is never retried.
func terminateWorkflow(ctx context.Context, client *upstream.Client) error {
	return client.Do(ctx, terminate, &workflowservice.TerminateWorkflowExecutionRequest{Namespace: orders},
		&workflowservice.TerminateWorkflowExecutionResponse{})
}

// namespaceOnly returns a request in wire form whose only field is the namespace. In most
// requests this is field 1.
func namespaceOnly(namespace string) []byte {
	return protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), namespace)
}

// requestIn returns a request of a method in which only the namespace is set.
func requestIn(t testing.TB, method protoreflect.MethodDescriptor, namespace string) protoreflect.Message {
	t.Helper()
	request := upstreamtest.NewMessage(t, method.Input())
	if field := method.Input().Fields().ByName("namespace"); field != nil {
		request.Set(field, protoreflect.ValueOfString(namespace))
	}
	return request
}
