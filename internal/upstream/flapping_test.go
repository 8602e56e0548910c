package upstream_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/flowgate/flowgate/internal/upstream"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// load counts the calls that drive made: all of them, those that succeeded, and
// those that failed, but not immediately.
type load struct {
	calls, succeeded, slow atomic.Int64
}

// drive makes 1,000 calls per second for the given duration, and waits until all of
// them have ended.
func drive(t *testing.T, client *upstream.Client, d time.Duration) *load {
	t.Helper()
	var l load
	var callers sync.WaitGroup
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		for range 10 {
			callers.Go(func() {
				l.calls.Add(1)
				begin := time.Now()
				switch err := describeWorkflow(withRetries(t.Context()), client); {
				case err == nil:
					l.succeeded.Add(1)
				case time.Since(begin) > 0:
					l.slow.Add(1)
				}
			})
		}
	}
	callers.Wait()
	return &l
}

// failing fails the given percentage of calls, evenly distributed.
func failing(percent int64) upstreamtest.Handler {
	var calls atomic.Int64
	succeed := describeHandler()
	return func(ctx context.Context, request []byte) ([]byte, error) {
		if n := calls.Add(1) * percent; n/100 != (n-percent)/100 {
			return nil, status.Error(codes.Unavailable, marker)
		}
		return succeed(ctx, request)
	}
}

func withBreaker(options *upstream.Options) {
	options.Breaker = upstream.Breaker{Failures: 20, Window: 10 * time.Second, Pause: time.Second}
}

// Without a breaker, the throttle alone limits retries to a tenth of the calls.
func TestRetriesAddAtMostATenthOfTheCalls(t *testing.T) {
	t.Parallel()
	for name, percent := range map[string]int64{"all calls fail": 100, "half fail": 50} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := upstreamtest.New(t)
				server.Handle("DescribeWorkflowExecution", failing(percent))
				l := drive(t, newClient(t, server), 10*time.Second)
				attempts := int64(len(server.AllCalls()))
				t.Logf("%d calls, %d attempts, %d succeeded", l.calls.Load(), attempts, l.succeeded.Load())
				require.EqualValues(t, 10_000, l.calls.Load())
				require.GreaterOrEqual(t, attempts, l.calls.Load())
				require.LessOrEqual(t, attempts*10, l.calls.Load()*11)
				require.GreaterOrEqual(t, l.succeeded.Load(), l.calls.Load()*(100-percent)/100)
			})
		})
	}
}

func TestTheBreakerOpensUnderLoadAndClosesWithinASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("DescribeWorkflowExecution", failing(100))
		client := newClient(t, server, withBreaker)
		l := drive(t, client, 10*time.Second)
		t.Logf("unavailable: %d calls, %d attempts, %d failed late", l.calls.Load(), len(server.AllCalls()), l.slow.Load())
		require.Zero(t, l.succeeded.Load())
		require.LessOrEqual(t, len(server.AllCalls()), 20+10, "those that open the breaker, and one per second")
		require.LessOrEqual(t, l.slow.Load(), int64(30), "only calls that reached the upstream take time")

		server.Handle("DescribeWorkflowExecution", describeHandler())
		begin := time.Now()
		for describeWorkflow(withRetries(t.Context()), client) != nil {
			time.Sleep(10 * time.Millisecond)
		}
		t.Logf("closed after %s", time.Since(begin))
		require.LessOrEqual(t, time.Since(begin), time.Second)
		l = drive(t, client, time.Second)
		require.Equal(t, l.calls.Load(), l.succeeded.Load())
	})
}

func TestTheBreakerStaysClosedWhileSomeCallsSucceed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("DescribeWorkflowExecution", failing(50))
		l := drive(t, newClient(t, server, withBreaker), 2*time.Second)
		attempts := int64(len(server.AllCalls()))
		t.Logf("%d calls, %d attempts, %d succeeded", l.calls.Load(), attempts, l.succeeded.Load())
		require.GreaterOrEqual(t, attempts, l.calls.Load(), "the breaker rejected none")
		require.GreaterOrEqual(t, l.succeeded.Load(), l.calls.Load()/2)
	})
}

// All calls on a lost connection count as one failure.
func TestALostConnectionDoesNotOpenTheBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("DescribeWorkflowExecution", upstreamtest.Hang)
		client := newClient(t, server, withBreaker)
		var callers sync.WaitGroup
		var failures atomic.Int64
		for range 100 {
			callers.Go(func() {
				if describeWorkflow(withRetries(t.Context()), client) != nil {
					failures.Add(1)
				}
			})
		}
		time.Sleep(time.Second)
		server.Handle("DescribeWorkflowExecution", describeHandler())
		server.Cut()
		callers.Wait()
		t.Logf("%d of 100 were not retried", failures.Load())
		require.LessOrEqual(t, failures.Load(), int64(51), "those that the throttle does not retry")
		require.NoError(t, describeWorkflow(inOrders(t.Context()), client))
	})
}
