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

// Widen replaces a request's slot with several slots. Here, four requests together hold all slots that their caller may
// have. If they kept those while they wait in Widen, none of them could get more.
func TestConcurrentWidensDoNotBlockEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var taken telemetry.Gauge
		pool := limit.NewPool(limit.PoolConfig{Slots: 8, Share: 0.5, Queue: 8, QueueTime: time.Minute}, &taken)
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
		require.Equal(t, 4*time.Second+time.Millisecond, time.Since(begin), "one request at a time has three slots, for a second")
		require.Zero(t, taken.Value())
	})
}

func TestWidenBeyondTheTotalUsesAllSlots(t *testing.T) {
	t.Parallel()
	var taken telemetry.Gauge
	pool := limit.NewPool(limit.PoolConfig{Slots: 4, Share: 0.5}, &taken)
	slot, err := pool.Acquire(t.Context(), "a", 0)
	require.NoError(t, err)
	require.NoError(t, slot.Widen(t.Context(), 100))
	require.EqualValues(t, 4, taken.Value())
	require.NoError(t, slot.Widen(t.Context(), 2), "Widen does not reduce the number of slots")
	require.EqualValues(t, 4, taken.Value())
	slot.Release()
	require.Zero(t, taken.Value())
	require.NoError(t, slot.Widen(t.Context(), 2), "Widen acquires nothing for a released slot")
	require.Zero(t, taken.Value())
}

// Widen fails if fewer slots are free than it needs, and if its context ends while it waits.
func TestAFailedWidenHoldsNoSlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var taken telemetry.Gauge
		pool := limit.NewPool(limit.PoolConfig{Slots: 8, Share: 0.5, Queue: 8, QueueTime: time.Minute}, &taken)
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
