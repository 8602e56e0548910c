package jwt

import "time"

// negativeCache caches the kids that were not in the issuer's newest key set, so that a caller who repeats one does not
// wait for the next fetch. The zero value is empty.
type negativeCache struct {
	until map[string]time.Time
}

// The bounds of the cache.
const (
	negativeTTL = 30 * time.Second
	maxNegative = 1000
)

func (c *negativeCache) has(kid string, now time.Time) bool { return now.Before(c.until[kid]) }

// add adds kid. A full cache is cleared, which costs the senders of the other kids one more wait.
func (c *negativeCache) add(kid string, now time.Time) {
	if c.until == nil || len(c.until) >= maxNegative {
		c.until = make(map[string]time.Time)
	}
	c.until[kid] = now.Add(negativeTTL)
}
