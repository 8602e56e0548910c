package server_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// restart returns a fault: the upstream stops after a second, with calls in flight, and starts again after the
// downtime. The calls in flight have no effect.
func restart(downtime time.Duration) func(*faulty, op) {
	return func(f *faulty, o op) {
		good := f.Upstream.Handler(o.rpc)
		f.Upstream.Handle(o.rpc, upstreamtest.Hang)
		time.AfterFunc(time.Second, func() {
			f.Upstream.Handle(o.rpc, good)
			f.Upstream.UseDialer(upstreamtest.Refused(upstreamAddress))
			f.Upstream.CloseConnections()
			time.AfterFunc(downtime, func() { f.Upstream.UseDialer(f.dialHealthy) })
		})
	}
}

func TestARestartOfTheUpstream(t *testing.T) {
	t.Parallel()
	const stop = time.Second
	cut := failed(problem.UpstreamUnavailable).sent().after(about(stop))
	// gRPC opens a new connection about a second after the first attempt was refused.
	retried := func(status int) want { return want{status: status}.after(stop, stop+1300*time.Millisecond) }
	for _, c := range []faultCase{
		{name: "of 100 ms", begin: restart(100 * time.Millisecond), wants: []expectation{
			{readOp(), retried(http.StatusOK)},
			{startOp(), retried(http.StatusCreated)},
			{terminateOp(), cut},
			{waitOp(), want{status: http.StatusAccepted}.after(about(20 * time.Second))},
		}},
		{name: "of 3 s", begin: restart(3 * time.Second), wants: []expectation{
			{readOp(), want{status: http.StatusOK}.after(stop, stop+6*time.Second)},
			{startOp(), want{status: http.StatusCreated}.after(stop, stop+6*time.Second)},
			{terminateOp(), cut},
			{waitOp(), want{status: http.StatusAccepted}.after(about(20 * time.Second))},
		}},
	} {
		c.run(t)
	}
}

// Requests that are in flight or arrive during a restart wait for the upstream. Each of them then makes about one more
// upstream call, and not one per backoff.
func TestConcurrentCallersDuringARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := startFaulty(t, nil)
		restart(3*time.Second)(f, readOp())
		calls := len(f.Upstream.Calls(readOp().rpc))
		var callers sync.WaitGroup
		for i := range 10 {
			callers.Go(func() {
				time.Sleep(time.Duration(i) * 200 * time.Millisecond) // half of them after the restart has begun
				resp, err := f.Send(t.Context(), readOp().method, readOp().path, "")
				if err != nil || resp.Status != http.StatusOK {
					t.Errorf("caller %d: %d %v", i, resp.Status, err)
				}
			})
		}
		callers.Wait()
		require.LessOrEqual(t, len(f.Upstream.Calls(readOp().rpc))-calls, 16, "five or six calls before the restart, and ten after it")
		f.endFault(t)
	})
}

func TestAWaitContinuesAfterARestart(t *testing.T) {
	t.Parallel()
	for _, downtime := range []time.Duration{100 * time.Millisecond, 3 * time.Second} {
		t.Run(downtime.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := startFaulty(t, nil)
				w := temporalfake.NewWorkflow(f.Upstream)
				time.AfterFunc(time.Second, func() {
					f.Upstream.UseDialer(upstreamtest.Refused(upstreamAddress))
					f.Upstream.CloseConnections()
				})
				time.AfterFunc(time.Second+downtime, func() { f.Upstream.UseDialer(nil) })
				time.AfterFunc(10*time.Second, w.Complete)
				resp := f.expect(t, waitOp(), want{status: http.StatusOK}.after(about(10*time.Second)))
				require.Equal(t, "done", resp.Field(t, "result"))
				f.endFault(t)
			})
		})
	}
}

// A lost connection counts as one failure for the breaker, however many calls were in flight on it. The breaker stays
// closed.
func TestALostConnectionWithManyCallsInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := startFaulty(t, nil)
		good := f.Upstream.Handler(readOp().rpc)
		f.Upstream.Handle(readOp().rpc, func(ctx context.Context, request []byte) ([]byte, error) {
			select {
			case <-time.After(time.Second):
				return good(ctx, request)
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		})
		time.AfterFunc(500*time.Millisecond, f.Upstream.CloseConnections)
		statuses := map[int]int{}
		var mu sync.Mutex
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() {
				resp, err := f.Send(t.Context(), readOp().method, readOp().path, "")
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					statuses[resp.Status]++
				}
			})
		}
		callers.Wait()
		t.Logf("responses by status: %v", statuses)
		require.Equal(t, 50, statuses[http.StatusOK]+statuses[http.StatusServiceUnavailable])
		require.Greater(t, statuses[http.StatusOK], 40, "the limit on the rate of retries prevents some")
		f.expect(t, startOp(), ok(http.StatusCreated))
		f.Upstream.Handle(readOp().rpc, good)
		f.endFault(t)
	})
}
