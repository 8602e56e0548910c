package limit_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/limit"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
)

func enter(t *testing.T, pool *limit.Pool, caller string) limit.Place {
	t.Helper()
	place, err := pool.Enter(caller)
	require.NoError(t, err)
	return place
}

func TestACallerHasItsShareAndNoMore(t *testing.T) {
	t.Parallel()
	var taken telemetry.Gauge
	pool := limit.NewPool(3, 2, &taken)
	first := enter(t, pool, "a")
	enter(t, pool, "a")
	_, err := pool.Enter("a")
	require.True(t, problem.Is(err, problem.RateLimited))
	enter(t, pool, "b")
	require.EqualValues(t, 3, taken.Value())
	_, err = pool.Enter("c")
	require.True(t, problem.Is(err, problem.Overloaded))
	_, err = pool.Enter("a")
	require.True(t, problem.Is(err, problem.Overloaded), "a full pool is nobody's own fault")

	first.Leave()
	first.Leave()
	require.EqualValues(t, 2, taken.Value(), "a place is given back once")
	enter(t, pool, "a")
}

func TestNoPlaceIsNoFault(t *testing.T) {
	t.Parallel()
	var none limit.Place
	none.Leave()
}

func TestAPoolIsNeverOverfull(t *testing.T) {
	t.Parallel()
	var taken telemetry.Gauge
	pool := limit.NewPool(4, 3, &taken)
	var callers sync.WaitGroup
	for i := range 16 {
		callers.Go(func() {
			for range 1000 {
				place, err := pool.Enter(string(rune('a' + i%2)))
				if err != nil {
					continue
				}
				if n := taken.Value(); n > 4 {
					t.Errorf("%d places are taken", n)
				}
				place.Leave()
			}
		})
	}
	callers.Wait()
	require.Zero(t, taken.Value())
}

func BenchmarkPool(b *testing.B) {
	var taken telemetry.Gauge
	pool := limit.NewPool(400, 300, &taken)
	b.ReportAllocs()
	for b.Loop() {
		place, err := pool.Enter("caller")
		if err != nil {
			b.Fatal(err)
		}
		place.Leave()
	}
}
