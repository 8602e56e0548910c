package jwt

import (
	"errors"
	"time"
)

// maxNumericDate is the last second of the year 9999, the largest that a time in a token may be. Beyond some such bound the
// conversion to a time wraps around.
const maxNumericDate = 253402300799

// expiry gives the token's exp when its times are plain numbers in a sane range and it is good for no longer than longest.
// Whether it has begun and not yet ended is golang-jwt's to say.
func (t *token) expiry(now time.Time, longest time.Duration) (time.Time, error) {
	for _, name := range []string{"exp", "nbf", "iat"} {
		value, present := t.claims[name]
		seconds, isNumber := value.(float64)
		if present && (!isNumber || seconds < 1 || seconds > maxNumericDate) {
			return time.Time{}, errors.New("the claim " + name + " is not a time")
		}
	}
	exp, ok := t.date("exp")
	if !ok {
		return time.Time{}, errors.New("the claim exp is missing")
	}
	from, ok := t.date("iat")
	if !ok {
		from = now
	}
	if exp.Sub(from) > longest {
		return time.Time{}, errors.New("the token is good for too long")
	}
	return exp, nil
}

// date gives a time of which [token.expiry] has checked the range, in whole seconds as golang-jwt takes it.
func (t *token) date(name string) (time.Time, bool) {
	seconds, ok := t.claims[name].(float64)
	return time.Unix(int64(seconds), 0), ok
}
