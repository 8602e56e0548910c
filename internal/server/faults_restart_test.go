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

// restart stops the upstream a second from now, with calls in flight, and
// brings it back some time later. What was in flight has had no effect.
func restart(away time.Duration) func(*faulty, op) {
	return func(f *faulty, o op) {
		good := f.Upstream.Handler(o.rpc)
		f.Upstream.Handle(o.rpc, upstreamtest.Hang)
		time.AfterFunc(time.Second, func() {
			f.Upstream.Handle(o.rpc, good)
			f.Upstream.Divert(upstreamtest.Refused(secret))
			f.Upstream.Cut()
			time.AfterFunc(away, func() { f.Upstream.Divert(f.home) })
		})
	}
}

func TestARestartOfTheUpstream(t *testing.T) {
	t.Parallel()
	const stop = time.Second
	cutOff := failed(problem.UpstreamUnavailable).after(at(stop))
	again := func(status int) want { return want{status: status}.after(stop, stop+1300*time.Millisecond) }
	for _, c := range []faultCase{
		{name: "of 100 ms", begin: restart(100 * time.Millisecond), wants: []expectation{
			{readOp(), again(http.StatusOK)},
			{startOp(), again(http.StatusCreated)},
			{terminateOp(), cutOff},
			{waitOp(), want{status: http.StatusAccepted}.after(at(20 * time.Second))},
		}},
		{name: "of 3 s", begin: restart(3 * time.Second), wants: []expectation{
			{readOp(), want{status: http.StatusOK}.after(stop, stop+6*time.Second)},
			{startOp(), want{status: http.StatusCreated}.after(stop, stop+6*time.Second)},
			{terminateOp(), cutOff},
			{waitOp(), want{status: http.StatusAccepted}.after(at(20 * time.Second))},
		}},
	} {
		c.try(t)
	}
}

// Callers who were many, and those who come meanwhile, sit out a restart
// together: each needs the upstream once more, and not once a pause.
func TestCallersSitOutARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := startFaulty(t, nil)
		restart(3*time.Second)(f, readOp())
		calls := len(f.Upstream.Calls(readOp().rpc))
		var callers sync.WaitGroup
		for i := range 10 {
			callers.Go(func() {
				time.Sleep(time.Duration(i) * 200 * time.Millisecond) // half of them after it has begun
				a, err := f.Send(t.Context(), readOp().method, readOp().path, "")
				if err != nil || a.Status != http.StatusOK {
					t.Errorf("caller %d: %d %v", i, a.Status, err)
				}
			})
		}
		callers.Wait()
		require.LessOrEqual(t, len(f.Upstream.Calls(readOp().rpc))-calls, 16)
		f.lift(t)
	})
}

// A wait that has the upstream's restart in its middle is told the outcome.
func TestAWaitOutlivesARestart(t *testing.T) {
	t.Parallel()
	for _, away := range []time.Duration{100 * time.Millisecond, 3 * time.Second} {
		t.Run(away.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := startFaulty(t, nil)
				w := temporalfake.NewWorkflow(f.Upstream)
				time.AfterFunc(time.Second, func() {
					f.Upstream.Divert(upstreamtest.Refused(secret))
					f.Upstream.Cut()
				})
				time.AfterFunc(time.Second+away, func() { f.Upstream.Divert(nil) })
				time.AfterFunc(10*time.Second, w.Close)
				a := f.expect(t, waitOp(), want{status: http.StatusOK}.after(at(10*time.Second)))
				require.Equal(t, "done", a.Field(t, "result"))
				f.lift(t)
			})
		})
	}
}

// A connection that is lost is one failure, however many calls were on it: the
// next ones are made.
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
		time.AfterFunc(500*time.Millisecond, f.Upstream.Cut)
		statuses := map[int]int{}
		var mu sync.Mutex
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() {
				a, err := f.Send(t.Context(), readOp().method, readOp().path, "")
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					statuses[a.Status]++
				}
			})
		}
		callers.Wait()
		t.Logf("answers by status: %v", statuses)
		require.Equal(t, 50, statuses[http.StatusOK]+statuses[http.StatusServiceUnavailable])
		require.Greater(t, statuses[http.StatusOK], 40, "the throttle keeps some back")
		f.expect(t, startOp(), ok(http.StatusCreated))
		f.Upstream.Handle(readOp().rpc, good)
		f.lift(t)
	})
}
