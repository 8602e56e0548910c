package jwt

import "time"

// absent remembers the kids that an issuer was asked for and did not have: a caller who comes with one again is not made
// to wait for the next fetch. The zero value remembers nothing.
type absent struct {
	until map[string]time.Time
}

// The bounds of what is remembered.
const (
	absentFor  = 30 * time.Second
	maxAbsents = 1000
)

func (a *absent) has(kid string, now time.Time) bool { return now.Before(a.until[kid]) }

// add forgets all others when there are too many, which costs their senders no more than a wait.
func (a *absent) add(kid string, now time.Time) {
	if a.until == nil || len(a.until) >= maxAbsents {
		a.until = make(map[string]time.Time)
	}
	a.until[kid] = now.Add(absentFor)
}
