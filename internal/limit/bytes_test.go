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

func reserve(t *testing.T, b *limit.Bytes, caller string, n int64) limit.Reservation {
	t.Helper()
	r, err := b.Reserve(t.Context(), caller, 0, n)
	require.NoError(t, err)
	return r
}

func TestACallerReservesNoMoreThanItsShare(t *testing.T) {
	t.Parallel()
	var reserved telemetry.Gauge
	b := limit.NewBytes(limit.BytesSize{Total: 1000, Small: 10, Share: 0.75}, &reserved)
	small := reserve(t, b, "a", 10)
	require.Zero(t, reserved.Value(), "small reservations are not counted")
	small.Release()
	first := reserve(t, b, "a", 700)
	reserve(t, b, "a", 50)
	_, err := b.Reserve(t.Context(), "a", 0, 11)
	require.True(t, problem.Is(err, problem.RateLimited))
	require.EqualValues(t, 750, reserved.Value())
	first.Release()
	first.Release()
	require.EqualValues(t, 50, reserved.Value(), "bytes are returned once")
}

func TestAReservationMayCountFromTheFirstByte(t *testing.T) {
	t.Parallel()
	var held telemetry.Gauge
	b := limit.NewBytes(limit.BytesSize{Total: 1000, Small: 100, Share: 0.75}, &held)
	r := b.Open("a", 0)
	require.NoError(t, r.Grow(t.Context(), 10))
	require.Zero(t, held.Value())
	r.CountSmall()
	require.NoError(t, r.Grow(t.Context(), 10))
	require.EqualValues(t, 10, held.Value())
	require.True(t, r.Fit(5))
	require.EqualValues(t, 5, r.Bytes())
	require.EqualValues(t, 5, held.Value())
	require.NoError(t, r.Resume(t.Context(), 1))
	require.EqualValues(t, 6, held.Value())
	r.Release()
	require.Zero(t, held.Value())
}

func TestGreedyCallersLeaveRoomForOthers(t *testing.T) {
	t.Parallel()
	var reserved telemetry.Gauge
	const total, step = 7000, 10
	b := limit.NewBytes(limit.BytesSize{Total: total, Share: 0.75}, &reserved)
	for _, caller := range []string{"a", "b"} {
		for {
			if _, err := b.Reserve(t.Context(), caller, 0, step); err != nil {
				require.True(t, problem.Is(err, problem.RateLimited), "the total is not used up: %v", err)
				break
			}
		}
	}
	free := total - reserved.Value()
	t.Logf("two callers leave %d of %d", free, total)
	require.InDelta(t, total/16, free, 2*step)
	reserve(t, b, "c", free/3)
	for _, caller := range []string{"d", "e", "f"} { // each above its share
		_, _ = b.Reserve(t.Context(), caller, 0.01, free/4)
	}
	require.GreaterOrEqual(t, total-reserved.Value(), free*2/3, "a reservation above the share leaves room")
	reserve(t, b, "g", step)
}

func TestAReservationLargerThanTheShareIsGrantedAlone(t *testing.T) {
	t.Parallel()
	var reserved telemetry.Gauge
	b := limit.NewBytes(limit.BytesSize{Total: 1000, Share: 0.1}, &reserved)
	large := reserve(t, b, "a", 5000)
	require.EqualValues(t, 1000, reserved.Value(), "a reservation above the total counts as the total")
	_, err := b.Reserve(t.Context(), "b", 0, 1)
	require.True(t, problem.Is(err, problem.Overloaded))
	large.Release()
	large = reserve(t, b, "a", 900)
	_, err = b.Reserve(t.Context(), "a", 0, 1)
	require.True(t, problem.Is(err, problem.RateLimited))
	other, err := b.Reserve(t.Context(), "b", 1, 50)
	require.NoError(t, err)
	require.NoError(t, other.Grow(t.Context(), 50), "it is the only one of its caller")
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

func TestACallerAtItsShareWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var reserved telemetry.Gauge
		b := limit.NewBytes(limit.BytesSize{Total: 1000, Share: 0.5, Queue: 2, QueueTime: time.Second}, &reserved)
		first, second := reserve(t, b, "a", 300), reserve(t, b, "a", 200)
		begin := time.Now()
		var waiting sync.WaitGroup
		took := make([]time.Duration, 3)
		for i, n := range []int64{400, 100} { // the small request does not overtake the large one
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
		require.Equal(t, []time.Duration{time.Second, time.Second, 0}, took, "the small request fits once the large one has given up")
		first.Release()
		require.EqualValues(t, 100, reserved.Value())

		again := reserve(t, b, "a", 500)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		_, err = b.Reserve(ctx, "a", 0, 1)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		again.Release()
		require.Equal(t, 1, b.Callers())
	})
}

func TestResumeWaitsForBytes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var reserved telemetry.Gauge
		b := limit.NewBytes(limit.BytesSize{Total: 100, Share: 1, QueueTime: time.Second}, &reserved)
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

func TestBytesAreNeverMoreThanTheTotal(t *testing.T) {
	t.Parallel()
	var reserved telemetry.Gauge
	b := limit.NewBytes(limit.BytesSize{Total: 100, Share: 0.75, Queue: 4, QueueTime: time.Millisecond}, &reserved)
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
	bytes := limit.NewBytes(limit.BytesSize{Total: 1 << 30, Small: 64 << 10, Share: 0.75}, &reserved)
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
