package jwt

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestNegativeCacheIsBounded(t *testing.T) {
	t.Parallel()
	var a negativeCache
	now := time.Now()
	for n := range 5 * maxNegative {
		a.add(strconv.Itoa(n), now)
		require.LessOrEqual(t, len(a.until), maxNegative)
	}
	require.True(t, a.has(strconv.Itoa(5*maxNegative-1), now))
	require.False(t, a.has(strconv.Itoa(5*maxNegative-1), now.Add(negativeTTL)))
	require.False(t, a.has("0", now))
}
