package limit_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/limit"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
)

func acquire(t *testing.T, pool *limit.Pool, caller string) limit.Slot {
	t.Helper()
	slot, err := pool.Acquire(t.Context(), caller, 0)
	require.NoError(t, err)
	return slot
}

func TestACallerHasNoMoreThanItsShare(t *testing.T) {
	t.Parallel()
	var inUse telemetry.Gauge
	pool := limit.NewPool(limit.PoolSize{Slots: 3, Share: 0.7}, &inUse)
	first := acquire(t, pool, "a")
	acquire(t, pool, "a")
	_, err := pool.Acquire(t.Context(), "a", 0)
	require.True(t, problem.Is(err, problem.RateLimited))
	other := acquire(t, pool, "b")
	require.EqualValues(t, 3, inUse.Value())
	_, err = pool.Acquire(t.Context(), "c", 0)
	require.True(t, problem.Is(err, problem.Overloaded))

	other.Release()
	first.Release()
	first.Release()
	require.EqualValues(t, 1, inUse.Value(), "a slot is returned once")
	acquire(t, pool, "a")
}

func TestACallerAtItsShareWaitsForASlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var inUse telemetry.Gauge
		pool := limit.NewPool(limit.PoolSize{Slots: 9, Share: 0.1, Queue: 2, QueueTime: time.Second}, &inUse)
		first := acquire(t, pool, "a")
		begin := time.Now()
		var mu sync.Mutex
		var order []int
		var waiting sync.WaitGroup
		for i := range 2 {
			waiting.Go(func() {
				slot, err := pool.Acquire(t.Context(), "a", 0)
				if err != nil {
					if !problem.Is(err, problem.RateLimited) || time.Since(begin) != time.Second {
						t.Errorf("%v after %s", err, time.Since(begin))
					}
					return
				}
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
				time.Sleep(700 * time.Millisecond)
				slot.Release()
			})
			synctest.Wait()
		}
		_, err := pool.Acquire(t.Context(), "a", 0)
		require.True(t, problem.Is(err, problem.RateLimited), "the queue is full")
		require.Zero(t, time.Since(begin))
		acquire(t, pool, "b")
		time.Sleep(500 * time.Millisecond)
		first.Release()
		waiting.Wait()
		require.Equal(t, []int{0}, order, "the first gets the slot, the second is rejected after a second")
		require.EqualValues(t, 1, inUse.Value())
	})
}

func TestACancelledWaitLeavesTheQueueIntact(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var inUse telemetry.Gauge
		pool := limit.NewPool(limit.PoolSize{Slots: 9, Share: 0.1, Queue: 1, QueueTime: time.Hour}, &inUse)
		first := acquire(t, pool, "a")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := pool.Acquire(ctx, "a", 0)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		first.Release()
		again := acquire(t, pool, "a")
		again.Release()
		require.Zero(t, inUse.Value())
		require.Zero(t, pool.Callers())
	})
}

func TestACallerMayHaveItsOwnShare(t *testing.T) {
	t.Parallel()
	var inUse telemetry.Gauge
	pool := limit.NewPool(limit.PoolSize{Slots: 10, Share: 0.1}, &inUse)
	for range 3 {
		_, err := pool.Acquire(t.Context(), "a", 0.3)
		require.NoError(t, err)
	}
	_, err := pool.Acquire(t.Context(), "a", 0.3)
	require.True(t, problem.Is(err, problem.RateLimited))
	acquire(t, pool, "b")
	_, err = pool.Acquire(t.Context(), "b", 0)
	require.True(t, problem.Is(err, problem.RateLimited))
	_, err = pool.Acquire(t.Context(), "c", 0.0001)
	require.NoError(t, err, "each caller has at least one slot")
}

func TestResumeWaitsForASlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var inUse telemetry.Gauge
		pool := limit.NewPool(limit.PoolSize{Slots: 2, Share: 0.5, Queue: 1, QueueTime: time.Second}, &inUse)
		own, others := acquire(t, pool, "a"), acquire(t, pool, "b")
		var streaming sync.WaitGroup
		var resumed time.Duration
		begin := time.Now()
		streaming.Go(func() {
			slot, err := pool.Resume(t.Context(), "a", 0)
			if err != nil {
				t.Error(err)
			}
			resumed = time.Since(begin)
			slot.Release()
		})
		time.Sleep(time.Hour)
		own.Release()
		synctest.Wait()
		require.Equal(t, time.Hour, resumed, "it waits without a limit, and comes before new requests")
		others.Release()

		acquire(t, pool, "a")
		acquire(t, pool, "c")
		for name, why := range map[string]string{"a": "its caller uses its share", "b": "all slots are in use"} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			_, err := pool.Resume(ctx, name, 0)
			require.ErrorIs(t, err, context.DeadlineExceeded, why)
			cancel()
		}
		streaming.Wait()
		require.EqualValues(t, 2, inUse.Value())
		require.Equal(t, 2, pool.Callers())
	})
}

func TestReleasingAnEmptySlotDoesNothing(t *testing.T) {
	t.Parallel()
	var none limit.Slot
	none.Release()
}

func TestAPoolNeverExceedsItsSize(t *testing.T) {
	t.Parallel()
	var inUse telemetry.Gauge
	pool := limit.NewPool(limit.PoolSize{Slots: 4, Share: 0.75, Queue: 2, QueueTime: time.Millisecond}, &inUse)
	var callers sync.WaitGroup
	for i := range 16 {
		callers.Go(func() {
			for range 1000 {
				slot, err := pool.Acquire(t.Context(), string(rune('a'+i%2)), 0)
				if err != nil {
					continue
				}
				if n := inUse.Value(); n > 4 {
					t.Errorf("%d slots are in use", n)
				}
				slot.Release()
			}
		})
	}
	callers.Wait()
	require.Zero(t, inUse.Value())
	require.Zero(t, pool.Callers())
}

func BenchmarkPool(b *testing.B) {
	var inUse telemetry.Gauge
	pool := limit.NewPool(limit.PoolSize{Slots: 400, Share: 0.75}, &inUse)
	keep, err := pool.Acquire(b.Context(), "caller", 0) // a busy caller has other requests in flight
	if err != nil {
		b.Fatal(err)
	}
	defer keep.Release()
	b.ReportAllocs()
	for b.Loop() {
		slot, err := pool.Acquire(b.Context(), "caller", 0)
		if err != nil {
			b.Fatal(err)
		}
		slot.Release()
	}
}
