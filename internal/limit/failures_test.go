package limit_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/limit"
)

func TestFailuresAreCountedByNetwork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		failures := limit.NewFailures(2, 4) // two failures at once, four per second
		allow := func(address string) bool {
			_, ok := failures.Allow(address)
			return ok
		}
		require.True(t, allow("203.0.113.1"))
		require.True(t, allow("203.0.113.2"))
		wait, ok := failures.Allow("::ffff:203.0.113.3")
		require.False(t, ok, "an IPv4-mapped address is in the same network as the IPv4 address")
		require.Equal(t, 250*time.Millisecond, wait, "until the next of four failures per second")
		require.True(t, allow("203.0.112.1"))
		require.True(t, allow("2001:db8::1"))
		require.True(t, allow("2001:db8::2%eth0"))
		require.False(t, allow("2001:db8::ffff:1"))
		require.True(t, allow("2001:db8:0:1::1"))
		require.True(t, allow("not an address"))
		require.True(t, allow("also not an address"))
		require.False(t, allow(""), "invalid addresses count as one network")
		time.Sleep(wait)
		require.True(t, allow("203.0.113.4"))
		require.False(t, allow("203.0.113.4"))
	})
}

func TestManyNetworksUseBoundedMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		failures := limit.NewFailures(1, 1)
		for i := range 50_000 {
			_, ok := failures.Allow(fmt.Sprintf("%d.%d.%d.1", 1+i>>16, i>>8&255, i&255))
			require.True(t, ok)
		}
		require.LessOrEqual(t, failures.Networks(), 10_000)
	})
}
