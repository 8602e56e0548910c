package upstream_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/errordetails/v1"
	"go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/testlog"
	"github.com/flowgate/flowgate/internal/upstream"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// cloudName is the name of the namespace orders on its own server.
const cloudName = "orders.a1b2c"

// twoServers returns a client with two servers: a default server, and one for the
// namespace orders, which is called cloudName there.
func twoServers(t *testing.T, adjust ...func(*upstream.Options)) (client *upstream.Client, defaultServer, ordersServer *upstreamtest.Server) {
	t.Helper()
	defaultServer, ordersServer = upstreamtest.New(t), upstreamtest.New(t)
	client = newClient(t, nil, append(adjust, func(o *upstream.Options) {
		o.Credential = staticCredential(t, "of-gateway")
		o.Dial = func(ctx context.Context, address string) (net.Conn, error) {
			if strings.HasPrefix(address, cloudName) {
				return ordersServer.Dial(ctx, address)
			}
			return defaultServer.Dial(ctx, address)
		}
		o.Namespaces = map[string]upstream.Namespace{orders: {
			Server: &upstream.Server{Address: cloudName + ".tmprl.cloud:7233"}, Name: cloudName, Credential: staticCredential(t, "of-orders"),
		}}
	})...)
	return client, defaultServer, ordersServer
}

func TestANamespaceIsRoutedToItsOwnServer(t *testing.T) {
	t.Parallel()
	client, defaultServer, ordersServer := twoServers(t)
	ordersServer.Handle("DescribeWorkflowExecution", upstreamtest.Respond(&workflowservice.DescribeWorkflowExecutionResponse{
		WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{
			ParentNamespaceId: "id", Type: &common.WorkflowType{Name: cloudName}, Execution: &common.WorkflowExecution{WorkflowId: cloudName},
		},
	}))
	ordersServer.Handle("DescribeNamespace", upstreamtest.Respond(&workflowservice.DescribeNamespaceResponse{
		NamespaceInfo: &namespace.NamespaceInfo{Name: cloudName, Description: cloudName},
	}))
	request := &workflowservice.StartWorkflowExecutionRequest{Namespace: orders, WorkflowId: orders, Links: upstreamtest.LinkTo(orders)}
	_, err := client.Invoke(inOrdersNamespace(t.Context()), workflowService+"StartWorkflowExecution", upstreamtest.Wire(t, request))
	require.Error(t, err) // UNIMPLEMENTED: only the request matters here
	require.Empty(t, defaultServer.AllCalls())
	call := ordersServer.Calls("StartWorkflowExecution")[0]
	require.Equal(t, []string{cloudName}, call.Metadata.Get("temporal-namespace"))
	require.Equal(t, []string{"Bearer of-orders"}, call.Metadata.Get("authorization"))
	var sent workflowservice.StartWorkflowExecutionRequest
	require.NoError(t, proto.Unmarshal(call.Request, &sent))
	require.Equal(t, cloudName, sent.GetNamespace())
	require.Equal(t, cloudName, sent.GetLinks()[0].GetWorkflowEvent().GetNamespace(), "nested namespaces are renamed too")
	require.Equal(t, orders, sent.GetWorkflowId(), "other fields with this value are unchanged")

	var description workflowservice.DescribeNamespaceResponse
	require.NoError(t, client.Do(inOrdersNamespace(t.Context()), workflowService+"DescribeNamespace",
		&workflowservice.DescribeNamespaceRequest{Namespace: orders}, &description))
	require.Equal(t, orders, description.GetNamespaceInfo().GetName(), "the response contains the gateway's name")
	require.Equal(t, cloudName, description.GetNamespaceInfo().GetDescription())

	_, err = client.Invoke(inOrdersNamespace(t.Context()), workflowService+"DescribeNamespace",
		upstreamtest.Wire(t, &workflowservice.DescribeNamespaceRequest{Namespace: cloudName}))
	upstreamtest.RequireProblem(t, problem.NamespaceMismatch, err)

	inPayments := auth.WithPrincipal(t.Context(), &auth.Principal{Name: "p", Grants: []auth.Grant{{Namespace: "*", Role: auth.RoleRead}}})
	inPayments = upstream.WithOptions(inPayments, &upstream.CallOptions{Namespace: payments})
	_, err = client.Invoke(inPayments, workflowService+"DescribeNamespace", upstreamtest.Wire(t, &workflowservice.DescribeNamespaceRequest{Namespace: payments}))
	require.Error(t, err)
	require.Equal(t, []string{"Bearer of-gateway"}, defaultServer.Calls("DescribeNamespace")[0].Metadata.Get("authorization"))
	require.NotEqual(t, client.CredentialID(&auth.Principal{}, orders), client.CredentialID(&auth.Principal{}, payments),
		"the two namespaces have different credentials")
}

func TestErrorsContainTheGatewaysNamespaceName(t *testing.T) {
	t.Parallel()
	client, _, ordersServer := twoServers(t)
	ordersServer.Handle("DescribeWorkflowExecution", upstreamtest.Fail(codes.NotFound, "namespace "+cloudName+" is not there",
		&errordetails.NamespaceNotFoundFailure{Namespace: cloudName}, &errordetails.NotFoundFailure{CurrentCluster: "c"}))
	e := problem.Of(describeWorkflow(inOrdersNamespace(t.Context()), client))
	require.NotContains(t, fmt.Sprint(e, e.Upstream.Proto()), cloudName)
	require.Contains(t, e.Error(), "namespace "+orders+" is not there")
	require.Len(t, e.Upstream.Details(), 1)
}

func TestTheHealthOfEachServerIsWatched(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, defaultServer, ordersServer := twoServers(t)
		for _, server := range []*upstreamtest.Server{defaultServer, ordersServer} {
			server.Handle("GetSystemInfo", upstreamtest.Respond(&workflowservice.GetSystemInfoResponse{}))
		}
		ctx, stop := context.WithCancel(t.Context())
		go client.WatchHealth(ctx)
		synctest.Wait()
		require.True(t, client.Health().Ready)
		require.Equal(t, []string{"Bearer of-gateway"}, defaultServer.Calls("GetSystemInfo")[0].Metadata.Get("authorization"))
		require.Equal(t, []string{"Bearer of-orders"}, ordersServer.Calls("GetSystemInfo")[0].Metadata.Get("authorization"))
		require.Equal(t, []string{cloudName}, ordersServer.Calls("GetSystemInfo")[0].Metadata.Get("temporal-namespace"))
		stop()
		synctest.Wait()
	})
}

// auditLines returns the text after msg=audit of each audit line in a log.
func auditLines(log *testlog.Buffer) (found []string) {
	for line := range strings.Lines(log.String()) {
		if _, audit, ok := strings.Cut(line, "msg=audit "); ok {
			found = append(found, strings.TrimSpace(audit))
		}
	}
	return found
}

func TestEveryWriteHasAnAuditLine(t *testing.T) {
	t.Parallel()
	log := &testlog.Buffer{}
	server := upstreamtest.New(t)
	client := newClient(t, server, func(o *upstream.Options) { o.Log = slog.New(slog.NewTextHandler(log, nil)) })
	server.Handle("StartWorkflowExecution", upstreamtest.Respond(&workflowservice.StartWorkflowExecutionResponse{}))
	start := &workflowservice.StartWorkflowExecutionRequest{Namespace: orders, WorkflowId: "w 1", Input: &common.Payloads{
		Payloads: []*common.Payload{{Data: []byte(marker)}},
	}}
	_, err := client.Invoke(inOrdersNamespace(t.Context()), workflowService+"StartWorkflowExecution", upstreamtest.Wire(t, start))
	require.NoError(t, err)
	require.Error(t, terminateWorkflow(inOrdersNamespace(t.Context()), client))
	require.Error(t, describeWorkflow(inOrdersNamespace(t.Context()), client))
	_, err = client.Invoke(inOrdersNamespace(t.Context()), workflowService+"PollWorkflowTaskQueue",
		upstreamtest.Wire(t, &workflowservice.PollWorkflowTaskQueueRequest{Namespace: orders}))
	require.Error(t, err)
	reader := auth.WithPrincipal(t.Context(), &auth.Principal{Name: "reader", Grants: []auth.Grant{{Namespace: orders, Role: auth.RoleRead}}})
	_, err = client.Invoke(upstream.WithOptions(reader, &upstream.CallOptions{Namespace: orders}), workflowService+"StartWorkflowExecution", upstreamtest.Wire(t, start))
	require.Error(t, err)
	require.Equal(t, []string{
		`principal=caller namespace=orders rpc=StartWorkflowExecution resource="w 1" outcome=ok requestId=""`,
		`principal=caller namespace=orders rpc=TerminateWorkflowExecution resource="" outcome=not-offered-by-server requestId=""`,
		`principal=reader namespace=orders rpc=StartWorkflowExecution resource="w 1" outcome=operation-forbidden requestId=""`,
	}, auditLines(log))
	require.NotContains(t, log.String(), marker)
}
