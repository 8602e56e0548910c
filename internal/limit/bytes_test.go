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

// reserve reserves n bytes for a caller with the default share.
func reserve(t *testing.T, b *limit.Bytes, caller string, n int64) limit.Reservation {
	t.Helper()
	r, err := b.Reserve(t.Context(), caller, 0, n)
	require.NoError(t, err)
	return r
}

func TestACallerCannotReserveMoreThanItsShare(t *testing.T) {
	t.Parallel()
	var reserved telemetry.Gauge
	b := limit.NewBytes(limit.BytesConfig{Total: 1000, Small: 10, Share: 0.75}, &reserved)
	small := reserve(t, b, "a", 10)
	require.Zero(t, reserved.Value(), "small reservations do not count")
	small.Release()
	first := reserve(t, b, "a", 700)
	reserve(t, b, "a", 50)
	_, err := b.Reserve(t.Context(), "a", 0, 11)
	require.True(t, problem.Is(err, problem.RateLimited))
	require.EqualValues(t, 750, reserved.Value())
	first.Release()
	first.Release()
	require.EqualValues(t, 50, reserved.Value(), "the second Release does nothing")
	reserve(t, b, "a", 700)
}

func TestCountSmallMakesSmallReservationsCount(t *testing.T) {
	t.Parallel()
	var reserved telemetry.Gauge
	b := limit.NewBytes(limit.BytesConfig{Total: 1000, Small: 100, Share: 0.75}, &reserved)
	r := b.Open("a", 0)
	require.NoError(t, r.Grow(t.Context(), 10))
	require.Zero(t, reserved.Value())
	r.CountSmall()
	require.NoError(t, r.Grow(t.Context(), 10))
	require.EqualValues(t, 10, reserved.Value())
	require.True(t, r.Fit(5))
	require.EqualValues(t, 5, r.Bytes())
	require.EqualValues(t, 5, reserved.Value())
	require.NoError(t, r.Resume(t.Context(), 1))
	require.EqualValues(t, 6, reserved.Value())
	r.Release()
	require.Zero(t, reserved.Value())
}

// The first caller can reserve three quarters of the total, and the second one three
// quarters of the rest. So a sixteenth of the total remains free.
func TestTwoCallersLeaveBytesForOthers(t *testing.T) {
	t.Parallel()
	var reserved telemetry.Gauge
	const total, step = 6400, 16
	b := limit.NewBytes(limit.BytesConfig{Total: total, Share: 0.75}, &reserved)
	for _, caller := range []string{"a", "b"} {
		for {
			if _, err := b.Reserve(t.Context(), caller, 0, step); err != nil {
				require.True(t, problem.Is(err, problem.RateLimited), "the caller reaches its share before the total is reserved: %v", err)
				break
			}
		}
	}
	const free = total / 16
	require.EqualValues(t, total-free, reserved.Value())
	const reservedByC = 16 * step
	for range reservedByC / step {
		reserve(t, b, "c", step)
	}
	for _, caller := range []string{"d", "e", "f"} { // each reservation exceeds the share of its caller
		_, _ = b.Reserve(t.Context(), caller, 0.01, free/4)
	}
	require.EqualValues(t, free-reservedByC, total-reserved.Value(), "a reservation that exceeds the share must leave a sixteenth free")
	reserve(t, b, "g", step)
}

func TestASingleReservationMayExceedTheShare(t *testing.T) {
	t.Parallel()
	var reserved telemetry.Gauge
	b := limit.NewBytes(limit.BytesConfig{Total: 1000, Share: 0.1}, &reserved)
	large := reserve(t, b, "a", 5000)
	require.EqualValues(t, 1000, reserved.Value(), "a reservation larger than the total is reduced to the total")
	_, err := b.Reserve(t.Context(), "b", 0, 1)
	require.True(t, problem.Is(err, problem.Overloaded))
	large.Release()
	large = reserve(t, b, "a", 900)
	_, err = b.Reserve(t.Context(), "a", 0, 1)
	require.True(t, problem.Is(err, problem.RateLimited))
	other, err := b.Reserve(t.Context(), "b", 1, 50)
	require.NoError(t, err)
	require.NoError(t, other.Grow(t.Context(), 50), "the caller may exceed its share, because it has no other reservation")
	require.True(t, problem.Is(other.Grow(t.Context(), 1), problem.Overloaded))
	require.True(t, other.Fit(20))
	require.False(t, other.Fit(200))
	require.EqualValues(t, 920, reserved.Value())
	large.Release()
	require.True(t, other.Fit(200))
	other.Release()
	require.Zero(t, reserved.Value())
	require.Zero(t, b.Callers())
}

func TestACallerThatHasUsedItsShareWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var reserved telemetry.Gauge
		b := limit.NewBytes(limit.BytesConfig{Total: 1000, Share: 0.5, Queue: 2, QueueTime: time.Second}, &reserved)
		first, second := reserve(t, b, "a", 300), reserve(t, b, "a", 200)
		begin := time.Now()
		var waiting sync.WaitGroup
		took := make([]time.Duration, 2)      // how long each Reserve took
		for i, n := range []int64{400, 100} { // the small request must not overtake the large one
			waiting.Go(func() {
				r, err := b.Reserve(t.Context(), "a", 0, n)
				if err != nil && !problem.Is(err, problem.RateLimited) {
					t.Error(err)
				}
				took[i] = time.Since(begin)
				time.Sleep(time.Minute)
				r.Release()
			})
			synctest.Wait()
		}
		_, err := b.Reserve(t.Context(), "a", 0, 1)
		require.True(t, problem.Is(err, problem.RateLimited), "the queue is full")
		require.Zero(t, time.Since(begin))
		reserve(t, b, "b", 100)
		time.Sleep(400 * time.Millisecond)
		second.Release()
		waiting.Wait()
		require.Equal(t, []time.Duration{time.Second, time.Second}, took, "the small request fits as soon as the large one has left the queue")
		first.Release()
		require.EqualValues(t, 100, reserved.Value())

		third := reserve(t, b, "a", 500)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		_, err = b.Reserve(ctx, "a", 0, 1)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		third.Release()
		require.Equal(t, 1, b.Callers())
		third = reserve(t, b, "a", 500)
		third.Release()
		require.EqualValues(t, 100, reserved.Value())
	})
}

func TestWaitersOfACallerAreServedInOrderOfArrival(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var reserved telemetry.Gauge
		b := limit.NewBytes(limit.BytesConfig{Total: 9, Share: 0.1, Queue: 2, QueueTime: time.Second}, &reserved)
		first := reserve(t, b, "a", 1)
		begin := time.Now()
		var waiting sync.WaitGroup
		errs, took := make([]error, 2), make([]time.Duration, 2)
		for i := range 2 {
			waiting.Go(func() {
				var r limit.Reservation
				r, errs[i] = b.Reserve(t.Context(), "a", 0, 1)
				took[i] = time.Since(begin)
				time.Sleep(700 * time.Millisecond)
				r.Release()
			})
			synctest.Wait()
		}
		_, err := b.Reserve(t.Context(), "a", 0, 1)
		require.True(t, problem.Is(err, problem.RateLimited), "the queue is full")
		require.Zero(t, time.Since(begin))
		reserve(t, b, "b", 1)
		time.Sleep(500 * time.Millisecond)
		first.Release()
		waiting.Wait()
		require.NoError(t, errs[0])
		require.True(t, problem.Is(errs[1], problem.RateLimited), "%v", errs[1])
		require.Equal(t, []time.Duration{500 * time.Millisecond, time.Second}, took)
		require.EqualValues(t, 1, reserved.Value())
	})
}

func TestResumeWaitsUntilTheCallerIsBelowItsShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var reserved telemetry.Gauge
		b := limit.NewBytes(limit.BytesConfig{Total: 2, Share: 0.5, Queue: 1, QueueTime: time.Second}, &reserved)
		ofA, ofB := reserve(t, b, "a", 1), reserve(t, b, "b", 1)
		begin := time.Now()
		var resumed time.Duration
		go func() {
			r := b.Open("a", 0)
			if err := r.Resume(t.Context(), 1); err != nil {
				t.Error(err)
			}
			resumed = time.Since(begin)
			r.Release()
		}()
		time.Sleep(time.Hour)
		ofA.Release()
		synctest.Wait()
		require.Equal(t, time.Hour, resumed, "QueueTime does not limit the wait of Resume")
		ofB.Release()

		reserve(t, b, "a", 1)
		reserve(t, b, "c", 1)
		for caller, reason := range map[string]string{"a": "the caller has used its share", "b": "no bytes are free"} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			r := b.Open(caller, 0)
			require.ErrorIs(t, r.Resume(ctx, 1), context.DeadlineExceeded, reason)
			cancel()
		}
		require.EqualValues(t, 2, reserved.Value())
		require.Equal(t, 2, b.Callers())
	})
}

func TestResumeWaitsForFreeBytes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var reserved telemetry.Gauge
		b := limit.NewBytes(limit.BytesConfig{Total: 100, Share: 1, QueueTime: time.Second}, &reserved)
		all := reserve(t, b, "a", 100)
		begin := time.Now()
		var streaming sync.WaitGroup
		streaming.Go(func() {
			r := b.Open("b", 0)
			err := r.Resume(t.Context(), 60)
			if err != nil || time.Since(begin) != time.Hour {
				t.Errorf("%v after %s", err, time.Since(begin))
			}
			r.Release()
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r := b.Open("c", 0)
		err := r.Resume(ctx, 1)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		time.Sleep(time.Hour - time.Minute)
		all.Release()
		streaming.Wait()
		require.Zero(t, reserved.Value())
		require.Zero(t, b.Callers())
	})
}

func TestReleasingAnEmptyReservationDoesNothing(t *testing.T) {
	t.Parallel()
	var none limit.Reservation
	none.Release()
}

func TestConcurrentReservationsNeverExceedTheTotal(t *testing.T) {
	t.Parallel()
	var reserved telemetry.Gauge
	b := limit.NewBytes(limit.BytesConfig{Total: 100, Share: 0.75, Queue: 4, QueueTime: time.Millisecond}, &reserved)
	var callers sync.WaitGroup
	for i := range 16 {
		callers.Go(func() {
			for j := range 500 {
				r, err := b.Reserve(t.Context(), string(rune('a'+i%3)), 0, int64(1+(i+j)%30))
				if err != nil {
					continue
				}
				_ = r.Grow(t.Context(), 5)
				if n := reserved.Value(); n > 100 {
					t.Errorf("%d bytes are reserved", n)
				}
				r.Fit(3)
				r.Release()
			}
		})
	}
	callers.Wait()
	require.Zero(t, reserved.Value())
	require.Zero(t, b.Callers())
}

func BenchmarkBytes(b *testing.B) {
	var reserved telemetry.Gauge
	bytes := limit.NewBytes(limit.BytesConfig{Total: 1 << 30, Small: 64 << 10, Share: 0.75}, &reserved)
	for name, n := range map[string]int64{"small": 1000, "large": 1 << 20} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r, err := bytes.Reserve(b.Context(), "caller", 0, n)
				if err != nil {
					b.Fatal(err)
				}
				r.Release()
			}
		})
	}
}
