package limit_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/limit"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
)

// These tests cover what Pool adds to Bytes. TestPoolKeepsItsLimits covers waiting,
// Resume and cancellation.

// acquire acquires a slot for a caller with the default share.
func acquire(t *testing.T, pool *limit.Pool, caller string) limit.Slot {
	t.Helper()
	slot, err := pool.Acquire(t.Context(), caller, 0)
	require.NoError(t, err)
	return slot
}

func TestPoolLimitsEachCallerAndAllCallers(t *testing.T) {
	t.Parallel()
	var inUse telemetry.Gauge
	pool := limit.NewPool(limit.PoolConfig{Slots: 3, Share: 0.7}, &inUse)
	first := acquire(t, pool, "a")
	acquire(t, pool, "a")
	_, err := pool.Acquire(t.Context(), "a", 0)
	require.EqualError(t, err, "rate-limited: You have reached the limit of requests of this kind in flight for one caller.")
	other := acquire(t, pool, "b")
	require.EqualValues(t, 3, inUse.Value())
	_, err = pool.Acquire(t.Context(), "c", 0)
	require.EqualError(t, err, "overloaded: This replica has reached its limit of requests of this kind in flight.")

	other.Release()
	first.Release()
	first.Release()
	require.EqualValues(t, 1, inUse.Value(), "the second Release does nothing")
	acquire(t, pool, "a")
}

func TestAcquireUsesTheShareOfTheCaller(t *testing.T) {
	t.Parallel()
	var inUse telemetry.Gauge
	pool := limit.NewPool(limit.PoolConfig{Slots: 10, Share: 0.1}, &inUse)
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
	require.NoError(t, err, "every caller may have one slot")
}

func TestTakeTransfersTheSlot(t *testing.T) {
	t.Parallel()
	var inUse telemetry.Gauge
	pool := limit.NewPool(limit.PoolConfig{Slots: 1, Share: 1}, &inUse)
	first := acquire(t, pool, "a")
	second := first.Take()
	first.Release()
	require.EqualValues(t, 1, inUse.Value(), "second has the slot")
	second.Release()
	require.Zero(t, inUse.Value())
	require.Equal(t, limit.Slot{}, first)
}

func TestReleasingTheZeroSlotDoesNothing(t *testing.T) {
	t.Parallel()
	var none limit.Slot
	none.Release()
}

func BenchmarkPool(b *testing.B) {
	var inUse telemetry.Gauge
	pool := limit.NewPool(limit.PoolConfig{Slots: 400, Share: 0.75}, &inUse)
	busy, err := pool.Acquire(b.Context(), "caller", 0) // so that the pool does not forget the caller between iterations
	if err != nil {
		b.Fatal(err)
	}
	defer busy.Release()
	b.ReportAllocs()
	for b.Loop() {
		slot, err := pool.Acquire(b.Context(), "caller", 0)
		if err != nil {
			b.Fatal(err)
		}
		slot.Release()
	}
}
