package jwt

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth"
)

func TestCacheIsBoundedAndKeepsWhatIsUsed(t *testing.T) {
	t.Parallel()
	c := newCache()
	used := digestOf("used")
	c.put(used, verified{principal: &auth.Principal{Name: "used"}})
	for n := range 3 * maxVerified {
		c.put(digestOf(strconv.Itoa(n)), verified{principal: &auth.Principal{}})
		require.LessOrEqual(t, len(c.young)+len(c.old), maxVerified)
		if n%1000 == 0 {
			require.NotNil(t, c.get(used).principal)
		}
	}
	require.Nil(t, c.get(digestOf("0")).principal)
	require.Equal(t, "used", c.get(used).principal.Name)
}

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
