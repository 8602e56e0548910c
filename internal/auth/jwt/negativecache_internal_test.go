package jwt

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestNegativeCacheIsBounded(t *testing.T) {
	t.Parallel()
	var cache negativeCache
	now := time.Now()
	for n := range 5 * maxNegative {
		cache.add(strconv.Itoa(n), now)
		require.LessOrEqual(t, len(cache.until), maxNegative)
	}
	require.True(t, cache.has(strconv.Itoa(5*maxNegative-1), now))
	require.False(t, cache.has(strconv.Itoa(5*maxNegative-1), now.Add(negativeTTL)))
	require.False(t, cache.has("0", now))
}
