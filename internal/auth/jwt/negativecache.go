package jwt

import "time"

// negativeCache remembers the kids that an issuer was asked for and did not have: a caller who comes with one again is not made
// to wait for the next fetch. The zero value remembers nothing.
type negativeCache struct {
	until map[string]time.Time
}

// The bounds of what is remembered.
const (
	negativeTTL = 30 * time.Second
	maxNegative = 1000
)

func (a *negativeCache) has(kid string, now time.Time) bool { return now.Before(a.until[kid]) }

// add forgets all others when there are too many, which costs their senders no more than a wait.
func (a *negativeCache) add(kid string, now time.Time) {
	if a.until == nil || len(a.until) >= maxNegative {
		a.until = make(map[string]time.Time)
	}
	a.until[kid] = now.Add(negativeTTL)
}
