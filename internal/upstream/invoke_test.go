package upstream_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/upstream"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func TestCallsWithoutAPrincipalAreRejected(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server)
	options := &upstream.CallOptions{Namespace: orders, Retry: true}
	for name, ctx := range map[string]context.Context{
		"an empty context": t.Context(),
		"only options":     upstream.WithOptions(t.Context(), options),
		"a nil principal":  upstream.WithOptions(auth.WithPrincipal(t.Context(), nil), options),
		"incoming headers": metadata.NewIncomingContext(upstream.WithOptions(t.Context(), options), metadata.Pairs("authorization", "Bearer x")),
	} {
		for method, input := range upstreamtest.Methods() {
			_, err := client.Invoke(ctx, method, upstreamtest.Wire(t, requestIn(t, input, orders).Interface()))
			require.True(t, problem.Is(err, problem.Unauthenticated), "%s: %s: %v", name, method, err)
		}
	}
	require.Empty(t, server.AllCalls())
}

func TestUnknownMethodsAreDenied(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server)
	for _, method := range []string{
		"", "/", "StartWorkflowExecution", workflowService, workflowService + "startWorkflowExecution", start + "/", "/" + start,
		workflowService + "NotYetInvented",
		"/temporal.server.api.adminservice.v1.AdminService/DescribeCluster",
		"/grpc.health.v1.Health/Check",
		"/temporal.api.operatorservice.v1.OperatorService/StartWorkflowExecution",
	} {
		_, err := client.Invoke(inOrdersNamespace(t.Context()), method, namespaceOnly(orders))
		require.True(t, problem.Is(err, problem.OperationForbidden), "%q: %v", method, err)
	}
	require.Empty(t, server.AllCalls())
}

func TestGrantsAreCheckedForTheNamespaceOfTheCall(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server)
	reader := &auth.Principal{Name: "reader", Grants: []auth.Grant{{Namespace: orders, Role: auth.RoleRead}}}
	const listNamespaces, listClusters = workflowService + "ListNamespaces", operatorservice.OperatorService_ListClusters_FullMethodName
	for name, test := range map[string]struct {
		options *upstream.CallOptions // nil means a context without options
		method  string
		request proto.Message
		want    problem.Code
	}{
		"a role too low": {
			&upstream.CallOptions{Namespace: orders}, start,
			&workflowservice.StartWorkflowExecutionRequest{Namespace: orders}, problem.OperationForbidden,
		},
		"another namespace": {
			&upstream.CallOptions{Namespace: payments}, describe,
			&workflowservice.DescribeWorkflowExecutionRequest{Namespace: payments}, problem.NamespaceForbidden,
		},
		"no namespace": {
			&upstream.CallOptions{}, describe, &workflowservice.DescribeWorkflowExecutionRequest{}, problem.NamespaceForbidden,
		},
		"no options": {
			nil, describe, &workflowservice.DescribeWorkflowExecutionRequest{Namespace: orders}, problem.NamespaceForbidden,
		},
		"another namespace in the request": {
			&upstream.CallOptions{Namespace: orders}, describe,
			&workflowservice.DescribeWorkflowExecutionRequest{Namespace: payments}, problem.NamespaceMismatch,
		},
		"another namespace in the options": {
			&upstream.CallOptions{Namespace: payments}, describe,
			&workflowservice.DescribeWorkflowExecutionRequest{Namespace: orders}, problem.NamespaceForbidden,
		},
		"a cluster RPC": {
			&upstream.CallOptions{Namespace: orders}, listNamespaces, &workflowservice.ListNamespacesRequest{}, problem.OperationForbidden,
		},
		"an operator RPC": {
			&upstream.CallOptions{Namespace: orders}, listClusters, &operatorservice.ListClustersRequest{}, problem.OperationForbidden, // requires a cluster grant
		},
	} {
		ctx := auth.WithPrincipal(t.Context(), reader)
		if test.options != nil {
			ctx = upstream.WithOptions(ctx, test.options)
		}
		_, err := client.Invoke(ctx, test.method, upstreamtest.Wire(t, test.request))
		require.True(t, problem.Is(err, test.want), "%s: %v", name, err)
	}
	require.Empty(t, server.AllCalls())

	_, err := client.Invoke(auth.WithPrincipal(t.Context(), &auth.Principal{Name: "nobody"}), getSystemInfo, nil)
	require.NoError(t, err, "GetSystemInfo needs no grant, because every SDK calls it first")
	require.Len(t, server.AllCalls(), 1)
}

func TestInvokeDoesNotDecodeMessages(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	response := []byte{0x0a, 0x03, 0xff, 0xfe, 0xfd, 0x07} // not a valid message
	server.Handle("DescribeWorkflowExecution", func(context.Context, []byte) ([]byte, error) { return response, nil })
	client := newClient(t, server)
	request := append(namespaceOnly(orders), 0xba, 0xa4, 0x04, 0x01, 0xff) // an unknown field
	got, err := client.Invoke(inOrdersNamespace(t.Context()), describe, request)
	require.NoError(t, err)
	require.Equal(t, response, got.Bytes())
	got.Release()
	require.Equal(t, request, server.Calls("DescribeWorkflowExecution")[0].Request)
}

func TestAnInvalidResponseIsAnUpstreamError(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	server.Handle("DescribeWorkflowExecution", func(context.Context, []byte) ([]byte, error) { return []byte{0x07}, nil })
	upstreamtest.RequireProblem(t, problem.UpstreamError, describeWorkflow(inOrdersNamespace(t.Context()), newClient(t, server)))
}

func TestInvalidUTF8IsRejectedBeforeTheCall(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	err := newClient(t, server).Do(inOrdersNamespace(t.Context()), describe,
		&workflowservice.DescribeWorkflowExecutionRequest{Namespace: "\xff"}, &workflowservice.DescribeWorkflowExecutionResponse{})
	upstreamtest.RequireProblem(t, problem.InvalidRequest, err)
	require.Empty(t, server.AllCalls())
}

// newClient sets a default timeout of 30 seconds and a maximum of five minutes.
func TestDeadlineOfEachAttempt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ timeout, want time.Duration }{
		"the default":                      {0, 30 * time.Second},
		"the timeout of the caller":        {1500 * time.Millisecond, 1500 * time.Millisecond},
		"longer than the default":          {2 * time.Minute, 2 * time.Minute},
		"longer than the maximum":          {time.Hour, 5 * time.Minute},
		"the default for a negative value": {-time.Second, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := upstreamtest.New(t)
				server.Handle("DescribeWorkflowExecution", upstreamtest.InTurn(
					upstreamtest.Fail(codes.Unavailable, "no"), upstreamtest.Fail(codes.Unavailable, "no"),
					upstreamtest.Respond(&workflowservice.DescribeWorkflowExecutionResponse{}),
				))
				ctx := withOptions(t.Context(), upstream.CallOptions{Namespace: orders, Timeout: test.timeout, Retry: true})
				require.NoError(t, describeWorkflow(ctx, newClient(t, server)))
				calls := server.Calls("DescribeWorkflowExecution")
				require.Len(t, calls, 3)
				for _, call := range calls {
					require.Equal(t, test.want, call.Deadline.Sub(call.Time), "each attempt has its own deadline")
				}
			})
		})
	}
}

func TestAnEarlierDeadlineOfTheCallerApplies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("DescribeWorkflowExecution", upstreamtest.Hang)
		client := newClient(t, server)
		ctx, cancel := context.WithTimeout(inOrdersNamespace(t.Context()), 7*time.Second)
		defer cancel()
		begin := time.Now()
		upstreamtest.RequireProblem(t, problem.DeadlineExceeded, describeWorkflow(ctx, client))
		require.Equal(t, 7*time.Second, time.Since(begin))
		require.Equal(t, 7*time.Second, server.AllCalls()[0].Deadline.Sub(begin))
	})
}

func TestAnUnresponsiveUpstreamTimesOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("DescribeWorkflowExecution", upstreamtest.Hang)
		server.Handle("QueryWorkflow", upstreamtest.Hang)
		client := newClient(t, server)
		begin := time.Now()
		upstreamtest.RequireProblem(t, problem.DeadlineExceeded, describeWorkflow(withRetries(t.Context()), client))
		require.Equal(t, 30*time.Second, time.Since(begin), "the default timeout of the client")
		_, err := client.Invoke(withRetries(t.Context()), query, namespaceOnly(orders))
		upstreamtest.RequireProblem(t, problem.QueryTimeout, err)
		require.Len(t, server.AllCalls(), 2, "a call that exceeds its deadline is not retried")
	})
}

func TestCancellationEndsTheUpstreamCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		ended := make(chan error, 1)
		server.Handle("DescribeWorkflowExecution", func(ctx context.Context, _ []byte) ([]byte, error) {
			<-ctx.Done()
			ended <- ctx.Err()
			return nil, status.FromContextError(ctx.Err()).Err()
		})
		client := newClient(t, server)
		ctx, cancel := context.WithCancel(withRetries(t.Context()))
		begin := time.Now()
		time.AfterFunc(3*time.Second, cancel)
		err := describeWorkflow(ctx, client)
		upstreamtest.RequireProblem(t, problem.ClientClosedRequest, err)
		require.Equal(t, codes.Canceled, status.Code(err), "the cause is the error of the call")
		require.ErrorIs(t, <-ended, context.Canceled)
		require.Equal(t, 3*time.Second, time.Since(begin))
		require.Len(t, server.AllCalls(), 1)
	})
}

// gRPC checks the length in the message prefix before it reads the message.
func TestAResponseAboveTheLimitIsAnUpstreamProblem(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	huge := make([]byte, 128<<20+1) // newClient sets a limit of 128 MiB
	server.Handle("DescribeWorkflowExecution", func(context.Context, []byte) ([]byte, error) { return huge, nil })
	upstreamtest.RequireProblem(t, problem.UpstreamResponseTooLarge, describeWorkflow(withRetries(t.Context()), newClient(t, server)))
	require.Len(t, server.AllCalls(), 1, "a retry would return the same response")
}

// These are all texts with which grpc-go reports that a response is too large. The first
// three come from the gateway's receive limit, the last one from the server's send limit.
func TestSizeErrorsOfGRPCMeanResponseTooLarge(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"grpc: received message larger than max (134217729 vs. 134217728)",
		"grpc: message after decompression larger than max (134217729 vs. 134217728)",
		"grpc: received message after decompression larger than max 134217728",
		"trying to send message larger than max (5000000 vs. 4194304)",
	} {
		server := upstreamtest.New(t)
		server.Handle("DescribeWorkflowExecution", upstreamtest.Fail(codes.ResourceExhausted, text))
		upstreamtest.RequireProblem(t, problem.UpstreamResponseTooLarge, describeWorkflow(withRetries(t.Context()), newClient(t, server)))
	}
}

func TestARequestAboveTheServersSizeLimitIsAPayloadTooLarge(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t, grpc.MaxRecvMsgSize(1000))
	err := newClient(t, server).Do(withRetries(t.Context()), describe,
		&workflowservice.DescribeWorkflowExecutionRequest{Namespace: orders, Execution: &common.WorkflowExecution{WorkflowId: strings.Repeat("x", 1000)}},
		&workflowservice.DescribeWorkflowExecutionResponse{})
	upstreamtest.RequireProblem(t, problem.PayloadTooLarge, err)
}

func TestResponsesAboveTheDefaultLimitOfGRPCAreReceived(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	large := bytes.Repeat([]byte("x"), 5<<20)
	server.Handle("DescribeWorkflowExecution", func(context.Context, []byte) ([]byte, error) { return large, nil })
	got, err := newClient(t, server).Invoke(inOrdersNamespace(t.Context()), describe, namespaceOnly(orders))
	require.NoError(t, err)
	require.True(t, bytes.Equal(large, got.Bytes()))
	got.Release()
}

func TestARejectedGatewayCredentialIsNotTheCallersError(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	server.Handle("DescribeWorkflowExecution", upstreamtest.Fail(codes.Unauthenticated, marker))
	e := upstreamtest.ProblemOf(t, problem.UpstreamAuthFailed, describeWorkflow(withRetries(t.Context()), newClient(t, server)))
	require.NotContains(t, e.Detail, marker)
	require.Len(t, server.AllCalls(), 1)
}

func TestTextsOfNetworkErrorsAreOnlyLogged(t *testing.T) {
	t.Parallel()
	client := newClient(t, nil, func(options *upstream.Options) {
		options.Dial = func(context.Context, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: context.DeadlineExceeded, Addr: &net.UnixAddr{Name: marker}}
		}
	})
	e := upstreamtest.ProblemOf(t, problem.UpstreamUnavailable, describeWorkflow(inOrdersNamespace(t.Context()), client))
	require.NotContains(t, e.Detail, marker)
	require.Contains(t, e.Error(), marker)
}

// serveHTML starts an HTTP/2 server that responds to every request with the same HTML
// page, and returns its dialer.
func serveHTML(t testing.TB, status int) upstream.Dialer {
	t.Helper()
	listener := bufconn.Listen(1 << 16)
	server := &http.Server{
		Protocols: new(http.Protocols), ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
			_, _ = w.Write([]byte("<p>" + marker + "</p>"))
		}),
	}
	server.Protocols.SetUnencryptedHTTP2(true)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		require.NoError(t, server.Close())
		serving.Wait()
	})
	return func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }
}

// A load balancer between the gateway and the server may respond with an HTML page instead
// of a gRPC response.
func TestAnHTMLPageIsNotReturnedToCallers(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]problem.Code{
		http.StatusOK:                 problem.UpstreamError,
		http.StatusBadRequest:         problem.UpstreamError,
		http.StatusUnauthorized:       problem.UpstreamAuthFailed,
		http.StatusForbidden:          problem.UpstreamError,
		http.StatusNotFound:           problem.UpstreamError,
		http.StatusBadGateway:         problem.UpstreamUnavailable,
		http.StatusServiceUnavailable: problem.UpstreamUnavailable,
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			dial := serveHTML(t, status)
			client := newClient(t, nil, func(options *upstream.Options) { options.Dial = dial })
			e := upstreamtest.ProblemOf(t, want, describeWorkflow(inOrdersNamespace(t.Context()), client))
			require.NotContains(t, e.Detail, marker)
			require.Contains(t, e.Error(), marker)
		})
	}
}

func TestTheLogEventCountsCallsAndRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("DescribeWorkflowExecution", upstreamtest.InTurn(
			upstreamtest.Fail(codes.Unavailable, "no"), upstreamtest.Fail(codes.NotFound, "nowhere"),
		))
		event := &telemetry.Event{}
		require.Error(t, describeWorkflow(telemetry.NewContext(withRetries(t.Context()), event), newClient(t, server)))
		require.Equal(t, telemetry.Event{
			RPC: "DescribeWorkflowExecution", GRPCCode: "NOT_FOUND", UpstreamCalls: 2, Retries: 1,
		}, *event)
	})
}
