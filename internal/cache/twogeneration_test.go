package cache_test

import (
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/flowgate/flowgate/internal/cache"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A value that is read often survives any number of other values. A value that is not read is evicted.
func ExampleTwoGeneration() {
	tokens := cache.NewTwoGeneration[string, int](4)
	tokens.Put("read", 1)
	tokens.Put("unread", 2)
	for i := range 10 {
		tokens.Put(strconv.Itoa(i), i)
		tokens.Get("read")
	}
	_, read := tokens.Get("read")
	_, unread := tokens.Get("unread")
	fmt.Println(read, unread, tokens.Len())
	// Output: true false 4
}

func TestCacheIsBoundedAndKeepsValuesInUse(t *testing.T) {
	t.Parallel()
	const size = 100
	c := cache.NewTwoGeneration[string, int](size)
	c.Put("often", -1)
	for i := range 10 * size {
		c.Put(strconv.Itoa(i), i)
		require.LessOrEqual(t, c.Len(), size)
		got, ok := c.Get(strconv.Itoa(i))
		require.True(t, ok)
		require.Equal(t, i, got)
		got, ok = c.Get("often")
		require.True(t, ok, i)
		require.Equal(t, -1, got)
	}
	_, ok := c.Get("0")
	require.False(t, ok)
}

func TestPutReplacesValueInEitherGeneration(t *testing.T) {
	t.Parallel()
	c := cache.NewTwoGeneration[string, int](4)
	for i := range 3 { // with the third value, the first two become the old generation
		c.Put(strconv.Itoa(i), i)
	}
	c.Put("0", 100)
	got, ok := c.Get("0")
	require.True(t, ok)
	require.Equal(t, 100, got)
	c.Put("0", 101)
	got, _ = c.Get("0")
	require.Equal(t, 101, got)
}

// Even with the size 0, each of the two generations holds one value.
func TestSmallestCacheHoldsNewestValue(t *testing.T) {
	t.Parallel()
	c := cache.NewTwoGeneration[int, int](0)
	for i := range 5 {
		c.Put(i, i)
		_, ok := c.Get(i)
		require.True(t, ok)
		require.LessOrEqual(t, c.Len(), 2)
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	const size = 64
	c := cache.NewTwoGeneration[int, int](size)
	var workers sync.WaitGroup
	for worker := range 8 {
		workers.Go(func() {
			for i := range 2000 {
				key := (i*7 + worker) % (3 * size)
				if got, ok := c.Get(key); ok && got != key {
					t.Errorf("got %d for key %d", got, key)
				}
				c.Put(key, key)
			}
		})
	}
	workers.Wait()
	require.LessOrEqual(t, c.Len(), size)
}
