package jwt

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAbsentIsBounded(t *testing.T) {
	t.Parallel()
	var a absent
	now := time.Now()
	for n := range 5 * maxAbsents {
		a.add(strconv.Itoa(n), now)
		require.LessOrEqual(t, len(a.until), maxAbsents)
	}
	require.True(t, a.has(strconv.Itoa(5*maxAbsents-1), now))
	require.False(t, a.has(strconv.Itoa(5*maxAbsents-1), now.Add(absentFor)))
	require.False(t, a.has("0", now))
}
