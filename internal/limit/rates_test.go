package limit_test

import (
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/limit"
)

func TestRatesAreLimitedForEachCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rates := limit.NewRates()
		for left := 4; left >= 0; left-- {
			budget, ok := rates.Take("busy", 2, 5)
			require.True(t, ok)
			h := http.Header{}
			budget.WriteTo(h)
			require.Equal(t, `"key";q=5;w=3`, h.Get("Ratelimit-Policy"))
			require.Regexp(t, `^"key";r=`+string(rune('0'+left))+`;t=[123]$`, h.Get("Ratelimit"))
		}
		budget, ok := rates.Take("busy", 2, 5)
		require.False(t, ok)
		require.Equal(t, 500*time.Millisecond, budget.Wait(), "two requests per second are allowed")
		_, ok = rates.Take("other", 2, 5)
		require.True(t, ok, "the limit of one caller does not affect another")

		time.Sleep(budget.Wait())
		_, ok = rates.Take("busy", 2, 5)
		require.True(t, ok)
		_, ok = rates.Take("busy", 2, 5)
		require.False(t, ok)
	})
}

func TestAChangedRateAppliesImmediately(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rates := limit.NewRates()
		_, ok := rates.Take("busy", 1, 1)
		require.True(t, ok)
		_, ok = rates.Take("busy", 1, 1)
		require.False(t, ok)
		time.Sleep(100 * time.Millisecond)
		_, ok = rates.Take("busy", 1000, 10)
		require.False(t, ok, "earlier requests remain counted")
		time.Sleep(10 * time.Millisecond) // at 1,000 requests per second, enough for ten
		_, ok = rates.Take("busy", 1000, 10)
		require.True(t, ok)
	})
}

// An issuer can name any number of callers, so the memory for their limiters must be bounded.
func TestRatesForgetCallersThatNoLongerCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rates := limit.NewRates()
		spent := func(caller string) bool {
			_, ok := rates.Take(caller, 0.001, 1)
			return !ok
		}
		require.False(t, spent("idle"))
		require.False(t, spent("active"))
		for i := range 2 * limit.MaxLimiters {
			require.False(t, spent(strconv.Itoa(i)))
			if i%1000 == 0 {
				require.True(t, spent("active"), "a caller that goes on calling keeps its limiter")
			}
		}
		require.LessOrEqual(t, limit.Limiters(rates), limit.MaxLimiters)
		require.False(t, spent("idle"))
	})
}
