package jwt

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/flowgate/flowgate/internal/auth"
)

// maxVerified is how many verified tokens are remembered.
const maxVerified = 10_000

// digest is what a token is remembered by. It is a cryptographic hash, so that nobody can make a token that is taken for
// another's.
type digest [sha256.Size]byte

// digestOf hashes a token of usual length without allocating: this runs once a request.
func digestOf(raw string) digest {
	const usual = 2 << 10
	return sha256.Sum256(append(make([]byte, 0, usual), raw...))
}

// verified is a token that has passed every check, and what these checks were against.
type verified struct {
	principal *auth.Principal
	issuer    *issuer
	key       *key
}

// holds tells whether the checks would pass still: the token has not ended, and the key that verified it is in force. All
// else that a token is judged by does not change.
func (v verified) holds(now time.Time) bool {
	if v.principal == nil || !now.Before(v.principal.Expires) {
		return false
	}
	keys, err := v.issuer.source.current(now)
	return err == nil && keys.has(v.key)
}

// cache remembers verified tokens, in two halves: when the young one is full it becomes the old one, whose tokens are
// forgotten but for those that were used since. Nothing is ever searched for what to drop.
type cache struct {
	mu         sync.RWMutex
	young, old map[digest]verified
}

func newCache() *cache { return &cache{young: make(map[digest]verified)} }

func (c *cache) get(of digest) verified {
	c.mu.RLock()
	hit, young := c.young[of]
	if !young {
		hit = c.old[of]
	}
	c.mu.RUnlock()
	if !young && hit.principal != nil {
		c.put(of, hit)
	}
	return hit
}

func (c *cache) put(of digest, what verified) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.young) >= maxVerified/2 {
		c.young, c.old = make(map[digest]verified, len(c.young)), c.young
	}
	c.young[of] = what
}
