package server_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/errordetails/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

const terminatePath = servertest.WorkflowsPath + "/w/terminate"

// failingUpstreams returns the cases about responses of the upstream. The tests in faults_*_test.go cover faults of the
// upstream's connections.
func failingUpstreams() []hostile {
	// fails returns a row in which the upstream call of a write fails and is not retried.
	fails := func(number int, name string, status int, problem string, code codes.Code, text string, details ...protoadapt.MessageV1) hostile {
		return hostile{
			number: number, name: name, request: servertest.Request{Method: http.MethodPost, Path: terminatePath}, calls: 1, status: status, code: problem,
			arrange: func(g *servertest.Gateway) {
				g.Upstream.Handle("TerminateWorkflowExecution", upstreamtest.Fail(code, text, details...))
			},
		}
	}
	const sql = `pq: duplicate key value violates "executions_pkey" at 10.0.0.7:5432`
	withheld := fails(63, "an internal error with SQL in it", http.StatusBadGateway, "upstream-error", codes.Internal, sql)
	withheld.check = func(t *testing.T, g *servertest.Gateway, resp servertest.Response) {
		t.Helper()
		require.NotContains(t, resp.Body, "executions_pkey")
		require.Contains(t, g.Log.String(), "executions_pkey")
	}
	exhausted := func(cause enums.ResourceExhaustedCause) protoadapt.MessageV1 {
		return &errordetails.ResourceExhaustedFailure{Cause: cause}
	}
	rps := fails(64, "a rate limit", http.StatusTooManyRequests, "rate-limited", codes.ResourceExhausted, "namespace rate limit exceeded",
		exhausted(enums.RESOURCE_EXHAUSTED_CAUSE_RPS_LIMIT))
	rps.check = header("Retry-After", "1")
	overloaded := fails(64, "an overloaded server", http.StatusServiceUnavailable, "upstream-overloaded", codes.ResourceExhausted, "busy",
		exhausted(enums.RESOURCE_EXHAUSTED_CAUSE_SYSTEM_OVERLOADED))
	overloaded.check = header("Retry-After", "1")
	started := hostile{
		number: 65, name: "a workflow that is already running", request: post(servertest.StartBody("")), status: http.StatusConflict, code: "workflow-already-started", calls: 1,
		arrange: func(g *servertest.Gateway) {
			g.Upstream.Handle("StartWorkflowExecution", upstreamtest.Fail(codes.AlreadyExists, "already started",
				&errordetails.WorkflowExecutionAlreadyStartedFailure{StartRequestId: "r", RunId: temporalfake.RunID}))
		},
		check: contains(`"runId":"` + temporalfake.RunID + `"`),
	}
	large := hostile{
		number: 68, name: "a response over the limit", request: get(countPath), status: http.StatusBadGateway, code: "upstream-response-too-large", calls: 1,
		configure: func(cfg *config.Config) { cfg.Upstream.MaxResponseBytes = 1 << 20 },
		arrange: func(g *servertest.Gateway) {
			g.Upstream.Handle("CountWorkflowExecutions", func(context.Context, []byte) ([]byte, error) { return make([]byte, 6<<20), nil })
		},
	}
	return []hostile{
		{number: 59, name: "a caller that disconnects", act: callerDisconnects},
		{number: 60, name: "a connection refused", act: refusedConnection},
		{number: 61, name: "an upstream that does not respond", act: silentUpstream},
		fails(62, "the gateway's credential is rejected", http.StatusBadGateway, "upstream-auth-failed", codes.Unauthenticated, "bad token"),
		withheld, rps, overloaded,
		fails(64, "a request too large for the server", http.StatusRequestEntityTooLarge, "payload-too-large", codes.ResourceExhausted,
			"grpc: received message larger than max (5242880 vs. 4194304)"),
		started,
		{
			number: 66, name: "a read that is retried", request: get(countPath), status: http.StatusOK, calls: 2,
			arrange: func(g *servertest.Gateway) {
				g.Upstream.Handle("CountWorkflowExecutions", upstreamtest.InTurn(upstreamtest.Fail(codes.Unavailable, "away"),
					upstreamtest.Respond(&workflowservice.CountWorkflowExecutionsResponse{Count: 3})))
			},
		},
		{
			number: 66, name: "a start that is retried with the same request id", request: post(servertest.StartBody("")), status: http.StatusCreated, calls: 2,
			arrange: func(g *servertest.Gateway) {
				g.Upstream.Handle("StartWorkflowExecution", upstreamtest.InTurn(upstreamtest.Fail(codes.Unavailable, "away"),
					upstreamtest.Respond(&workflowservice.StartWorkflowExecutionResponse{RunId: temporalfake.RunID, Started: true})))
			},
			check: sameRequestID,
		},
		fails(66, "a terminate is not retried", http.StatusGatewayTimeout, "upstream-unavailable", codes.Unavailable, "away"),
		{number: 67, name: "an upstream that fails every call", act: everyCallFails},
		large,
		{
			number: 69, name: "metadata of the upstream", request: get(countPath), status: http.StatusOK, calls: 1, arrange: serveMetadata,
			check: func(t *testing.T, _ *servertest.Gateway, resp servertest.Response) {
				t.Helper()
				for _, name := range []string{"Set-Cookie", "X-Internal", "Grpc-Metadata-X-Internal", "Server", "Trailer"} {
					require.Empty(t, resp.Header.Values(name), name)
				}
			},
		},
	}
}

func serveMetadata(g *servertest.Gateway) {
	g.Upstream.Handle("CountWorkflowExecutions", func(ctx context.Context, _ []byte) ([]byte, error) {
		md := metadata.Pairs("set-cookie", "a=b", "x-internal", "10.0.0.7", "server", "frontend")
		if err := grpc.SetHeader(ctx, md); err != nil {
			return nil, err
		}
		return nil, grpc.SetTrailer(ctx, md)
	})
}

func sameRequestID(t *testing.T, g *servertest.Gateway, _ servertest.Response) {
	t.Helper()
	ids := map[string]bool{}
	for _, call := range g.Upstream.Calls("StartWorkflowExecution") {
		request := &workflowservice.StartWorkflowExecutionRequest{}
		require.NoError(t, proto.Unmarshal(call.Request, request))
		require.NotEmpty(t, request.GetRequestId())
		ids[request.GetRequestId()] = true
	}
	require.Len(t, ids, 1)
}

func callerDisconnects(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	var cancelledAfter time.Duration
	cancelled := make(chan struct{})
	begin := time.Now()
	g.Upstream.Handle("CountWorkflowExecutions", func(ctx context.Context, _ []byte) ([]byte, error) {
		<-ctx.Done()
		cancelledAfter = time.Since(begin)
		close(cancelled)
		return nil, ctx.Err()
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := g.Send(ctx, http.MethodGet, countPath, "")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	<-cancelled
	require.Less(t, cancelledAfter, time.Second+50*time.Millisecond)
	synctest.Wait()
	require.Contains(t, g.Log.String(), `"status":499`)
	require.Contains(t, g.AdminText(t, "/metrics"), `flowgate_in_flight{kind="read"} 0`)
	return "the upstream call is cancelled at once, the log has the status 499"
}

func refusedConnection(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	g.Upstream.UseDialer(upstreamtest.Refused("10.0.0.7:7233"))
	g.Upstream.CloseConnections()
	synctest.Wait()
	resp := servertest.Request{Method: http.MethodPost, Path: terminatePath}.Send(t, g)
	require.Equal(t, http.StatusServiceUnavailable, resp.Status)
	requireWellFormed(t, resp, "upstream-unavailable")
	require.Equal(t, "1", resp.Header.Get("Retry-After"))
	require.NotContains(t, resp.Body, "10.0.0.7")
	return "503 upstream-unavailable, no address in the body"
}

func silentUpstream(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	g.Upstream.Handle("CountWorkflowExecutions", upstreamtest.Hang)
	var resp servertest.Response
	took := servertest.Elapsed(func() { resp = get(countPath, "Request-Timeout", "3s").Send(t, g) })
	require.InDelta(t, 3, took.Seconds(), 0.05)
	require.Equal(t, http.StatusGatewayTimeout, resp.Status)
	requireWellFormed(t, resp, "deadline-exceeded")
	return "504 deadline-exceeded after " + took.String()
}

// everyCallFails sends 1,000 requests per second for ten seconds, while the upstream fails all calls.
func everyCallFails(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	g.Upstream.Handle("CountWorkflowExecutions", upstreamtest.Fail(codes.Unavailable, "away"))
	before := len(g.Upstream.Calls("CountWorkflowExecutions"))
	const calls = 10_000
	var rejected atomic.Int64
	var callers sync.WaitGroup
	for range calls {
		callers.Go(func() {
			if resp, err := g.Send(t.Context(), http.MethodGet, countPath, ""); err == nil && resp.Status == http.StatusServiceUnavailable {
				rejected.Add(1)
			}
		})
		time.Sleep(time.Millisecond)
	}
	callers.Wait()
	attempts := len(g.Upstream.Calls("CountWorkflowExecutions")) - before
	require.EqualValues(t, calls, rejected.Load(), "each receives 503 upstream-unavailable")
	require.Less(t, attempts, calls/10, "the breaker stops most calls")
	require.Contains(t, g.AdminText(t, "/metrics"), "flowgate_upstream_breaker_open 1")

	respondWithCount(g, 1)
	took := servertest.Elapsed(func() {
		for get(countPath).Send(t, g).Status != http.StatusOK {
			time.Sleep(10 * time.Millisecond)
		}
	})
	require.LessOrEqual(t, took, 2*time.Second, "the breaker closes soon after the upstream has recovered")
	require.Contains(t, g.AdminText(t, "/metrics"), "flowgate_upstream_breaker_open 0")
	return "503 for all; the breaker permitted few calls, and closed " + took.String() + " after the upstream had recovered"
}
