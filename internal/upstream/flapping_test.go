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

// load is how many calls were made, and how they ended.
type load struct {
	calls, answered, slow atomic.Int64
}

// drive makes 1,000 calls a second for a while, and waits for their ends. Slow
// are those that failed, but not at once.
func drive(t *testing.T, client *upstream.Client, d time.Duration) *load {
	t.Helper()
	var l load
	var callers sync.WaitGroup
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		for range 10 {
			callers.Go(func() {
				l.calls.Add(1)
				begin := time.Now()
				switch err := ask(retrying(t.Context()), client); {
				case err == nil:
					l.answered.Add(1)
				case time.Since(begin) > 0:
					l.slow.Add(1)
				}
			})
		}
	}
	callers.Wait()
	return &l
}

// failing fails that many of a hundred calls, evenly.
func failing(percent int64) upstreamtest.Handler {
	var calls atomic.Int64
	good := described()
	return func(ctx context.Context, request []byte) ([]byte, error) {
		if n := calls.Add(1) * percent; n/100 != (n-percent)/100 {
			return nil, status.Error(codes.Unavailable, marker)
		}
		return good(ctx, request)
	}
}

func withBreaker(options *upstream.Options) {
	options.Breaker = upstream.Breaker{Failures: 20, Window: 10 * time.Second, Pause: time.Second}
}

// The throttle alone keeps repetitions to a tenth of the calls.
func TestAFlappingUpstreamIsAskedATenthMore(t *testing.T) {
	t.Parallel()
	for name, percent := range map[string]int64{"all calls fail": 100, "half fail": 50} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := upstreamtest.New(t)
				server.Handle("DescribeWorkflowExecution", failing(percent))
				l := drive(t, newClient(t, server), 10*time.Second)
				made := int64(len(server.AllCalls()))
				t.Logf("%d calls, %d upstream, %d answered", l.calls.Load(), made, l.answered.Load())
				require.EqualValues(t, 10_000, l.calls.Load())
				require.GreaterOrEqual(t, made, l.calls.Load())
				require.LessOrEqual(t, made*10, l.calls.Load()*11)
				require.GreaterOrEqual(t, l.answered.Load(), l.calls.Load()*(100-percent)/100)
			})
		})
	}
}

func TestTheBreakerOpensUnderLoadAndClosesSoon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("DescribeWorkflowExecution", failing(100))
		client := newClient(t, server, withBreaker)
		l := drive(t, client, 10*time.Second)
		t.Logf("away: %d calls, %d upstream, %d failed late", l.calls.Load(), len(server.AllCalls()), l.slow.Load())
		require.Zero(t, l.answered.Load())
		require.LessOrEqual(t, len(server.AllCalls()), 20+10, "those that open it, and one a second")
		require.LessOrEqual(t, l.slow.Load(), int64(30), "those that were made")

		server.Handle("DescribeWorkflowExecution", described())
		begin := time.Now()
		for ask(retrying(t.Context()), client) != nil {
			time.Sleep(10 * time.Millisecond)
		}
		t.Logf("closed after %s", time.Since(begin))
		require.LessOrEqual(t, time.Since(begin), time.Second)
		l = drive(t, client, time.Second)
		require.Equal(t, l.calls.Load(), l.answered.Load())
	})
}

// An upstream that answers half of the calls is there.
func TestTheBreakerStaysClosedWhileSomeCallsAreAnswered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("DescribeWorkflowExecution", failing(50))
		l := drive(t, newClient(t, server, withBreaker), 2*time.Second)
		made := int64(len(server.AllCalls()))
		t.Logf("%d calls, %d upstream, %d answered", l.calls.Load(), made, l.answered.Load())
		require.GreaterOrEqual(t, made, l.calls.Load(), "none was refused")
		require.GreaterOrEqual(t, l.answered.Load(), l.calls.Load()/2)
	})
}

// All calls on a connection that is lost are one failure of the upstream.
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
				if ask(retrying(t.Context()), client) != nil {
					failures.Add(1)
				}
			})
		}
		time.Sleep(time.Second)
		server.Handle("DescribeWorkflowExecution", described())
		server.Cut()
		callers.Wait()
		t.Logf("%d of 100 were not repeated", failures.Load())
		require.LessOrEqual(t, failures.Load(), int64(51), "what the throttle keeps back")
		require.NoError(t, ask(inOrders(t.Context()), client))
	})
}
