package mint

import (
	"sync"

	"github.com/flowgate/flowgate/internal/auth"
)

// cacheSize is how many tokens are kept, some kilobyte each.
const cacheSize = 10_000

// subject is what differs between one token and another of the same key and moment.
type subject struct {
	name      string
	namespace string
	role      auth.Role
}

// minted is a token, as it is sent. It can be sent from one moment, in seconds, until before another: they are of the wall
// clock, which is what servers hold a token against, and which a machine that slept or was set right finds elsewhere.
type minted struct {
	header      string
	from, until int64
}

// cache keeps the tokens of one key, in two generations: when the young one is full it becomes the old one, and what of
// that is still asked for comes over. So what nobody asks for goes, and no list has to be kept of what was asked when.
type cache struct {
	mu         sync.RWMutex
	young, old map[subject]minted
	// generation is how many one of them holds.
	generation int
}

func newCache(size int) *cache {
	return &cache{young: map[subject]minted{}, generation: size / 2}
}

// get finds a token that can be sent now.
func (c *cache) get(of subject, now int64) (string, bool) {
	c.mu.RLock()
	found, young := c.young[of]
	if !young {
		found = c.old[of]
	}
	c.mu.RUnlock()
	if now < found.from || now >= found.until {
		return "", false
	}
	if !young {
		c.put(of, found)
	}
	return found.header, true
}

func (c *cache) put(of subject, token minted) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, again := c.young[of]; !again && len(c.young) >= c.generation {
		c.young, c.old = make(map[subject]minted, c.generation), c.young
	}
	c.young[of] = token
}
