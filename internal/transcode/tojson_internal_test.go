package transcode

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAppendIntMatchesStrconv(t *testing.T) {
	t.Parallel()
	for _, n := range []int64{0, 9, 10, 99, 100, 12345, math.MaxInt64, math.MinInt64, -1, -10} {
		require.Equal(t, strconv.FormatInt(n, 10), string(appendInt(nil, n)))
	}
	for bits := range 64 {
		for range 100 {
			n := rand.Uint64() >> bits
			require.Equal(t, strconv.FormatUint(n, 10), string(appendUint(nil, n)))
		}
	}
	for power := uint64(1); power < 1e19; power *= 10 {
		for _, n := range []uint64{power - 1, power, power + 1} {
			require.Equal(t, strconv.FormatUint(n, 10), string(appendUint(nil, n)))
		}
	}
}

func TestAppendFloatMatchesStrconv(t *testing.T) {
	t.Parallel()
	for _, f := range []float64{0, math.Copysign(0, -1), 1, -1, 2, 1.5, 1<<24 - 1, 1 << 24, 1<<24 + 2, 123456792, -123456792, 1 << 53, 1e20} {
		require.Equal(t, strconv.FormatFloat(f, 'f', -1, 64), string(appendFloat(nil, f, 64)))
		require.Equal(t, strconv.FormatFloat(f, 'f', -1, 32), string(appendFloat(nil, f, 32)))
	}
}

func TestMinuteCacheFormatsTimes(t *testing.T) {
	t.Parallel()
	var c minuteCache
	at := time.Date(2026, 11, 21, 23, 58, 58, 0, time.UTC)
	for range 1000 {
		at = at.Add(time.Duration(rand.IntN(200)-60) * time.Second)
		text, err := c.append(nil, at.Unix(), 0, appendNanos)
		require.NoError(t, err)
		require.Equal(t, `"`+at.Format(time.RFC3339)+`"`, string(text))
	}
	text, err := c.append(nil, minTimestamp, 0, appendNanos)
	require.NoError(t, err)
	require.Equal(t, `"0001-01-01T00:00:00Z"`, string(text))
}
