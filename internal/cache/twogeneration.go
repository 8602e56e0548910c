package cache

import "sync"

// TwoGeneration is a cache with a young and an old generation. When the young generation is full, it becomes the old
// one and the previous old one is dropped. A value that is read from the old generation is copied to the young one, so
// values in use survive. Eviction needs no search, and a hit in the young generation takes only a read lock. It is safe
// for concurrent use.
type TwoGeneration[K comparable, V any] struct {
	mu             sync.RWMutex
	young, old     map[K]V
	generationSize int
}

// NewTwoGeneration returns an empty cache of at most size values. The minimum size is two.
func NewTwoGeneration[K comparable, V any](size int) *TwoGeneration[K, V] {
	return &TwoGeneration[K, V]{young: make(map[K]V), generationSize: max(1, size/2)}
}

// Get returns the value of key and reports whether there is one.
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

// promote copies a value from the old to the young generation, unless the young generation has a newer value.
func (c *TwoGeneration[K, V]) promote(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if value, old := c.old[key]; old {
		if _, newer := c.young[key]; !newer {
			c.put(key, value)
		}
	}
}

// Put sets the value of key.
func (c *TwoGeneration[K, V]) Put(key K, value V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(key, value)
}

func (c *TwoGeneration[K, V]) put(key K, value V) {
	if _, replaces := c.young[key]; !replaces && len(c.young) >= c.generationSize {
		c.young, c.old = make(map[K]V, c.generationSize), c.young
	}
	c.young[key] = value
}

// Len returns the number of values. A key with a value in both generations counts twice.
func (c *TwoGeneration[K, V]) Len() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.young) + len(c.old)
}
