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

// TestWideningRequestsDoNotBlockEachOther widens the slots of four requests that together hold the share of their
// caller.
func TestWideningRequestsDoNotBlockEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var taken telemetry.Gauge
		pool := limit.NewPool(limit.PoolSize{Slots: 8, Share: 0.5, Queue: 8, QueueTime: time.Minute}, &taken)
		begin := time.Now()
		var requests sync.WaitGroup
		for range 4 {
			requests.Go(func() {
				slot, err := pool.Acquire(t.Context(), "a", 0)
				if err == nil {
					time.Sleep(time.Millisecond)
					err = slot.Widen(t.Context(), 3)
				}
				if err != nil {
					t.Error(err)
				}
				time.Sleep(time.Second)
				slot.Release()
			})
		}
		requests.Wait()
		require.Equal(t, 4*time.Second+time.Millisecond, time.Since(begin))
		require.Zero(t, taken.Value())
	})
}

func TestWidenBeyondTheTotalUsesAllSlots(t *testing.T) {
	t.Parallel()
	var taken telemetry.Gauge
	pool := limit.NewPool(limit.PoolSize{Slots: 4, Share: 0.5}, &taken)
	slot, err := pool.Acquire(t.Context(), "a", 0)
	require.NoError(t, err)
	require.NoError(t, slot.Widen(t.Context(), 100))
	require.EqualValues(t, 4, taken.Value())
	require.NoError(t, slot.Widen(t.Context(), 2), "a slot does not become narrower")
	require.EqualValues(t, 4, taken.Value())
	slot.Release()
	require.Zero(t, taken.Value())
	require.NoError(t, slot.Widen(t.Context(), 2), "a released slot stays released")
	require.Zero(t, taken.Value())
}

// TestAFailedWidenHoldsNothing rejects requests that do not fit, and one whose context ends.
func TestAFailedWidenHoldsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var taken telemetry.Gauge
		pool := limit.NewPool(limit.PoolSize{Slots: 8, Share: 0.5, Queue: 8, QueueTime: time.Minute}, &taken)
		other, err := pool.Acquire(t.Context(), "b", 0)
		require.NoError(t, err)
		require.NoError(t, other.Widen(t.Context(), 3))
		first, err := pool.Acquire(t.Context(), "a", 0)
		require.NoError(t, err)
		require.True(t, problem.Is(first.Widen(t.Context(), 6), problem.Overloaded))
		require.EqualValues(t, 3, taken.Value())
		first, second := acquire(t, pool, "a"), acquire(t, pool, "a")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.True(t, problem.Is(second.Widen(ctx, 4), problem.RateLimited))
		require.EqualValues(t, 4, taken.Value())
		first.Release()
		other.Release()
		second.Release()
		require.Zero(t, taken.Value())
	})
}
