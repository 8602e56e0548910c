package limit_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flowgate/flowgate/internal/limit"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
)

// The settings of the pool in the property test.
const (
	poolSlots = 6
	maxSlots  = 3 // the maximum of a single caller, with a share of one half
	poolQueue = 2
	queueTime = time.Second
)

// poolModel is a pool, and the requests that the test has made.
type poolModel struct {
	pool  *limit.Pool
	gauge telemetry.Gauge

	mu       sync.Mutex
	requests []*poolRequest
	running  sync.WaitGroup
}

// poolRequest is one request. It holds a slot, waits for one, or was rejected.
type poolRequest struct {
	caller  string
	resumes bool // the request calls Resume instead of Acquire
	begin   time.Time
	cancel  context.CancelFunc

	done bool // Acquire or Resume has returned
	slot limit.Slot
	err  error
}

func (r *poolRequest) holds() bool { return r.done && r.err == nil }

// start starts a request, and returns when the request has a slot, waits for one, or has
// failed.
func (m *poolModel) start(caller string, resumes bool) *poolRequest {
	ctx, cancel := context.WithCancel(context.Background())
	r := &poolRequest{caller: caller, resumes: resumes, begin: time.Now(), cancel: cancel}
	m.requests = append(m.requests, r)
	acquire := m.pool.Acquire
	if resumes {
		acquire = func(ctx context.Context, caller string, share float64) (limit.Slot, error) {
			return m.pool.Resume(ctx, caller, share, 1)
		}
	}
	m.running.Go(func() {
		slot, err := acquire(ctx, caller, 0)
		m.mu.Lock()
		defer m.mu.Unlock()
		r.done, r.slot, r.err = true, slot, err
	})
	synctest.Wait()
	return r
}

// count returns the number of requests for which matches returns true.
func (m *poolModel) count(matches func(*poolRequest) bool) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, r := range m.requests {
		if matches(r) {
			n++
		}
	}
	return n
}

// held returns the number of slots that a caller holds, or all callers if caller is empty.
func (m *poolModel) held(caller string) int {
	return m.count(func(r *poolRequest) bool { return r.holds() && (caller == "" || r.caller == caller) })
}

// waiting returns the number of requests in Acquire, or in Resume if resumes is set, that
// wait for a slot. An empty caller means all callers.
func (m *poolModel) waiting(caller string, resumes bool) int {
	return m.count(func(r *poolRequest) bool {
		return !r.done && r.resumes == resumes && (caller == "" || r.caller == caller)
	})
}

// fits reports whether a caller with a share of one half may acquire another slot: it
// holds none yet, or it will hold at most as many as remain free.
func (m *poolModel) fits(caller string) bool {
	freeAfter, held := poolSlots-m.held("")-1, m.held(caller)
	return freeAfter >= 0 && (held == 0 || held+1 <= freeAfter)
}

// isWaiting reports whether a request of a caller waits for a slot. A later request of the
// same caller must not overtake it.
func (m *poolModel) isWaiting(caller string) bool {
	return m.waiting(caller, false)+m.waiting(caller, true) > 0
}

func drawCaller(t *rapid.T) string {
	return rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "caller")
}

// acquire calls Acquire and checks that the result follows from the slots in use.
func (m *poolModel) acquire(t *rapid.T) {
	caller := drawCaller(t)
	all, queued, granted := m.held(""), m.waiting("", false), m.fits(caller) && !m.isWaiting(caller)
	r := m.start(caller, false)
	switch {
	case all == poolSlots:
		require.True(t, problem.Is(r.err, problem.Overloaded), "%v", r.err)
	case granted:
		require.True(t, r.holds(), "%v", r.err)
	case queued < poolQueue:
		require.False(t, r.done, "the request must wait until its caller releases a slot")
	default:
		require.True(t, problem.Is(r.err, problem.RateLimited), "%v", r.err)
	}
}

// resume calls Resume and checks that it waits where Acquire would fail.
func (m *poolModel) resume(t *rapid.T) {
	caller := drawCaller(t)
	granted := m.fits(caller) && !m.isWaiting(caller)
	require.Equal(t, granted, m.start(caller, true).holds())
}

// release releases the slot of a random request.
func (m *poolModel) release(t *rapid.T) {
	m.draw(t, (*poolRequest).holds).slot.Release()
	synctest.Wait()
}

// cancel cancels a random request that waits.
func (m *poolModel) cancel(t *rapid.T) {
	r := m.draw(t, func(r *poolRequest) bool { return !r.done })
	r.cancel()
	synctest.Wait()
	require.ErrorIs(t, r.err, context.Canceled)
}

// sleep lets time pass, so that requests may wait longer than the queue time.
func (m *poolModel) sleep(t *rapid.T) {
	time.Sleep(time.Duration(rapid.IntRange(1, 1500).Draw(t, "ms")) * time.Millisecond)
	synctest.Wait()
}

// draw removes a random request for which matches returns true from the model, and
// returns it.
func (m *poolModel) draw(t *rapid.T, matches func(*poolRequest) bool) *poolRequest {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.requests, matches)
	if i < 0 {
		t.Skip("no request satisfies the condition")
	}
	var indices []int
	for i, r := range m.requests {
		if matches(r) {
			indices = append(indices, i)
		}
	}
	i = rapid.SampledFrom(indices).Draw(t, "request")
	r := m.requests[i]
	m.requests = slices.Delete(m.requests, i, i+1)
	return r
}

// check checks the limits of the pool, and that no request waits while it could
// have a slot.
func (m *poolModel) check(t *rapid.T) {
	all := m.held("")
	require.LessOrEqual(t, all, poolSlots)
	require.EqualValues(t, all, m.gauge.Value())
	require.LessOrEqual(t, m.waiting("", false), poolQueue)
	for _, caller := range []string{"a", "b", "c"} {
		require.LessOrEqual(t, m.held(caller), maxSlots)
		require.False(t, m.isWaiting(caller) && m.fits(caller), "%s waits although it may have a slot", caller)
	}
	require.Zero(t, m.count(func(r *poolRequest) bool { return !r.done && !r.resumes && time.Since(r.begin) > queueTime }), "a request waits longer than the queue time")
}

// end ends all requests, and checks that all slots can then be acquired.
func (m *poolModel) end(t *rapid.T) {
	for _, r := range slices.Clone(m.requests) {
		r.cancel()
	}
	m.running.Wait()
	for _, r := range m.requests {
		require.True(t, r.err == nil || errors.As(r.err, new(*problem.Error)) || errors.Is(r.err, context.Canceled))
		r.slot.Release()
	}
	m.requests = nil
	require.Zero(t, m.gauge.Value())
	slots := map[string]int{"a": maxSlots, "b": 1, "c": 1, "d": 1}
	for _, caller := range slices.Sorted(maps.Keys(slots)) {
		for range slots[caller] {
			require.True(t, m.start(caller, false).holds())
		}
	}
	require.True(t, problem.Is(m.start("e", false).err, problem.Overloaded))
	for _, r := range m.requests {
		r.slot.Release()
		r.cancel()
	}
}

// TestPoolKeepsItsLimits calls the methods of the model in random order.
func TestPoolKeepsItsLimits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			m := &poolModel{}
			m.pool = limit.NewPool(limit.PoolConfig{Slots: poolSlots, Share: 0.5, Queue: poolQueue, QueueTime: queueTime}, &m.gauge)
			defer m.end(t)
			t.Repeat(map[string]func(*rapid.T){
				"acquire": m.acquire, "resume": m.resume, "release": m.release, "cancel": m.cancel, "sleep": m.sleep,
				"": m.check, // after each of the others
			})
		})
	})
}
