package upstream_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/errordetails/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func withThreeFailureBreaker(options *upstream.Options) {
	options.Breaker = upstream.Breaker{Failures: 3, Window: 10 * time.Second, Pause: time.Second}
	options.Retry.MaxAttempts = 1
}

func TestAnOpenBreakerStopsCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("DescribeWorkflowExecution", upstreamtest.Fail(codes.Unavailable, "away"))
		client := newClient(t, server, withThreeFailureBreaker)
		calls := func() int { return len(server.AllCalls()) }
		for range 10 {
			upstreamtest.RequireProblem(t, problem.UpstreamUnavailable, describeWorkflow(inOrdersNamespace(t.Context()), client))
		}
		require.Equal(t, 3, calls(), "the breaker opens after three failures")
		for i := range 3 {
			time.Sleep(time.Second)
			for range 10 {
				upstreamtest.RequireProblem(t, problem.UpstreamUnavailable, describeWorkflow(inOrdersNamespace(t.Context()), client))
			}
			require.Equal(t, 4+i, calls(), "one trial call per second")
		}
		server.Handle("DescribeWorkflowExecution", upstreamtest.Respond(&workflowservice.DescribeWorkflowExecutionResponse{}))
		time.Sleep(time.Second)
		for range 10 {
			require.NoError(t, describeWorkflow(inOrdersNamespace(t.Context()), client))
		}
	})
}

func TestALongTrialCallDoesNotKeepTheBreakerOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("DescribeWorkflowExecution", upstreamtest.Fail(codes.Unavailable, "away"))
		client := newClient(t, server, withThreeFailureBreaker)
		for range 3 {
			require.Error(t, describeWorkflow(inOrdersNamespace(t.Context()), client))
		}
		server.Handle("DescribeWorkflowExecution", upstreamtest.InTurn(
			upstreamtest.Hang, upstreamtest.Respond(&workflowservice.DescribeWorkflowExecutionResponse{})))
		time.Sleep(time.Second)
		trial := make(chan error, 1)
		go func() { trial <- describeWorkflow(inOrdersNamespace(t.Context()), client) }()
		synctest.Wait()
		upstreamtest.RequireProblem(t, problem.UpstreamUnavailable, describeWorkflow(inOrdersNamespace(t.Context()), client))
		time.Sleep(time.Second)
		require.NoError(t, describeWorkflow(inOrdersNamespace(t.Context()), client), "another trial call is admitted after the next pause")
		require.NoError(t, describeWorkflow(inOrdersNamespace(t.Context()), client))
		upstreamtest.RequireProblem(t, problem.DeadlineExceeded, <-trial)
	})
}

func TestOtherFailuresDoNotOpenTheBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		client := newClient(t, server, withThreeFailureBreaker)
		for name, handler := range map[string]upstreamtest.Handler{
			"a missing workflow":   upstreamtest.Fail(codes.NotFound, "no"),
			"an internal error":    upstreamtest.Fail(codes.Internal, "no"),
			"a namespace failover": upstreamtest.Fail(codes.Unavailable, "moves", &errordetails.NamespaceUnavailableFailure{Namespace: "orders"}),
			"an aborted update":    upstreamtest.Fail(codes.Unavailable, "workflow update was aborted"),
			"a cleared query":      upstreamtest.Fail(codes.Unavailable, "buffered query cleared, please retry"),
			"no response in time":  upstreamtest.Hang,
		} {
			server.Handle("DescribeWorkflowExecution", handler)
			before := len(server.AllCalls())
			for range 5 {
				require.Error(t, describeWorkflow(inOrdersNamespace(t.Context()), client))
			}
			require.Len(t, server.AllCalls(), before+5, name)
		}
	})
}

func TestSlowFailuresOpenTheBreaker(t *testing.T) {
	t.Parallel()
	for _, took := range []time.Duration{time.Second, 10 * time.Second, 15 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			server := upstreamtest.New(t)
			server.Handle("DescribeWorkflowExecution", func(context.Context, []byte) ([]byte, error) {
				time.Sleep(took)
				return nil, status.Error(codes.Unavailable, "away")
			})
			client := newClient(t, server, withThreeFailureBreaker)
			var callers sync.WaitGroup
			for range 10 {
				callers.Go(func() {
					for range 4 {
						_ = describeWorkflow(inOrdersNamespace(t.Context()), client)
					}
				})
			}
			callers.Wait()
			begin := time.Now()
			upstreamtest.RequireProblem(t, problem.UpstreamUnavailable, describeWorkflow(inOrdersNamespace(t.Context()), client))
			require.Zero(t, time.Since(begin), "the breaker is open although each failure takes %s", took)
		})
	}
}

func TestFailuresOutsideTheWindowDoNotOpenTheBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("DescribeWorkflowExecution", upstreamtest.Fail(codes.Unavailable, "away"))
		client := newClient(t, server, withThreeFailureBreaker)
		for range 8 {
			require.Error(t, describeWorkflow(inOrdersNamespace(t.Context()), client))
			time.Sleep(6 * time.Second)
		}
		require.Len(t, server.AllCalls(), 8, "a window of 10 s never contains three failures")
	})
}
