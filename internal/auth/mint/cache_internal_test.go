package mint

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheCacheIsBoundedAndKeepsWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	const size = 100
	c := newCache(size)
	token := func(name string) minted { return minted{header: name, from: 10, until: 20} }
	c.put(subject{name: "often"}, token("often"))
	for i := range 10 * size {
		name := strconv.Itoa(i)
		c.put(subject{name: name}, token(name))
		require.LessOrEqual(t, len(c.young)+len(c.old), size)
		header, ok := c.get(subject{name: name}, 10)
		require.True(t, ok)
		require.Equal(t, name, header)
		_, ok = c.get(subject{name: "often"}, 19)
		require.True(t, ok, i)
	}
	_, ok := c.get(subject{name: "0"}, 10)
	require.False(t, ok, "what nobody asks for goes")
}

func TestACachedTokenHasItsTime(t *testing.T) {
	t.Parallel()
	c := newCache(2)
	c.put(subject{name: "dev"}, minted{header: "token", from: 10, until: 20})
	for now, want := range map[int64]bool{9: false, 10: true, 19: true, 20: false} {
		_, ok := c.get(subject{name: "dev"}, now)
		require.Equal(t, want, ok, now)
	}
}
