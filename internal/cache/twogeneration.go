package cache

import "sync"

// TwoGeneration is a cache in two halves. When the young half is full it becomes the old one, and the old one is dropped
// but for the values that were read since, which moved to the young half. So what is in use stays, nothing is ever
// searched for what to drop, and a hit in the young half takes a read lock only. Any number of goroutines may use it.
type TwoGeneration[K comparable, V any] struct {
	mu         sync.RWMutex
	young, old map[K]V
	generation int
}

// NewTwoGeneration returns an empty cache of at most size values, at least two.
func NewTwoGeneration[K comparable, V any](size int) *TwoGeneration[K, V] {
	return &TwoGeneration[K, V]{young: make(map[K]V), generation: max(1, size/2)}
}

// Get returns the value of the key, and whether there is one.
func (c *TwoGeneration[K, V]) Get(key K) (value V, ok bool) {
	c.mu.RLock()
	value, young := c.young[key]
	old := false
	if !young {
		value, old = c.old[key]
	}
	c.mu.RUnlock()
	if old {
		c.promote(key)
	}
	return value, young || old
}

// promote moves an old value to the young half, unless a newer one is there by now.
func (c *TwoGeneration[K, V]) promote(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if value, old := c.old[key]; old {
		if _, newer := c.young[key]; !newer {
			c.put(key, value)
		}
	}
}

// Put sets the value of the key.
func (c *TwoGeneration[K, V]) Put(key K, value V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(key, value)
}

func (c *TwoGeneration[K, V]) put(key K, value V) {
	if _, replaces := c.young[key]; !replaces && len(c.young) >= c.generation {
		c.young, c.old = make(map[K]V, c.generation), c.young
	}
	c.young[key] = value
}

// Len is the number of values, of which one that was replaced may count twice.
func (c *TwoGeneration[K, V]) Len() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.young) + len(c.old)
}
