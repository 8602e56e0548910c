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

// loadResult has the number of all calls of a load, of the calls that succeeded, and of
// the calls that failed after some time instead of immediately.
type loadResult struct {
	calls, succeeded, failedLate atomic.Int64
}

// runLoad makes 1,000 calls per second for the given duration, and waits until all of
// them have ended.
func runLoad(t *testing.T, client *upstream.Client, d time.Duration) *loadResult {
	t.Helper()
	var l loadResult
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
					l.failedLate.Add(1)
				}
			})
		}
	}
	callers.Wait()
	return &l
}

// failPercent returns a handler that fails the given percentage of calls, evenly
// distributed.
func failPercent(percent int64) upstreamtest.Handler {
	var calls atomic.Int64
	succeed := describeHandler()
	return func(ctx context.Context, request []byte) ([]byte, error) {
		if n := calls.Add(1) * percent; n/100 != (n-percent)/100 {
			return nil, status.Error(codes.Unavailable, marker)
		}
		return succeed(ctx, request)
	}
}

func withDefaultBreaker(options *upstream.Options) {
	options.Breaker = upstream.Breaker{Failures: 20, Window: 10 * time.Second, Pause: time.Second}
}

// This client has no breaker, so the throttle alone limits the retries.
func TestRetriesAddAtMostATenthOfTheCalls(t *testing.T) {
	t.Parallel()
	for name, percent := range map[string]int64{"all calls fail": 100, "half fail": 50} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := upstreamtest.New(t)
				server.Handle("DescribeWorkflowExecution", failPercent(percent))
				l := runLoad(t, newClient(t, server), 10*time.Second)
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
		server.Handle("DescribeWorkflowExecution", failPercent(100))
		client := newClient(t, server, withDefaultBreaker)
		l := runLoad(t, client, 10*time.Second)
		t.Logf("unavailable: %d calls, %d attempts, %d failed late", l.calls.Load(), len(server.AllCalls()), l.failedLate.Load())
		require.Zero(t, l.succeeded.Load())
		require.LessOrEqual(t, len(server.AllCalls()), 20+10, "20 calls that open the breaker, and one trial call per second")
		require.LessOrEqual(t, l.failedLate.Load(), int64(30), "a call that does not reach the upstream fails immediately")

		server.Handle("DescribeWorkflowExecution", describeHandler())
		begin := time.Now()
		for describeWorkflow(withRetries(t.Context()), client) != nil {
			time.Sleep(10 * time.Millisecond)
		}
		t.Logf("closed after %s", time.Since(begin))
		require.LessOrEqual(t, time.Since(begin), time.Second)
		l = runLoad(t, client, time.Second)
		require.Equal(t, l.calls.Load(), l.succeeded.Load())
	})
}

func TestTheBreakerStaysClosedWhileSomeCallsSucceed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("DescribeWorkflowExecution", failPercent(50))
		l := runLoad(t, newClient(t, server, withDefaultBreaker), 2*time.Second)
		attempts := int64(len(server.AllCalls()))
		t.Logf("%d calls, %d attempts, %d succeeded", l.calls.Load(), attempts, l.succeeded.Load())
		require.GreaterOrEqual(t, attempts, l.calls.Load(), "the breaker rejected no call")
		require.GreaterOrEqual(t, l.succeeded.Load(), l.calls.Load()/2)
	})
}

// The breaker counts all calls that fail with one lost connection as one failure.
func TestALostConnectionDoesNotOpenTheBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("DescribeWorkflowExecution", upstreamtest.Hang)
		client := newClient(t, server, withDefaultBreaker)
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
		server.CloseConnections()
		callers.Wait()
		t.Logf("%d of 100 were not retried", failures.Load())
		require.LessOrEqual(t, failures.Load(), int64(51), "the throttle permits 49 retries")
		require.NoError(t, describeWorkflow(inOrdersNamespace(t.Context()), client))
	})
}
