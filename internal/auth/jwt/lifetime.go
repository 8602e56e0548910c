package jwt

import (
	"errors"
	"time"
)

// maxNumericDate is the largest accepted time in a token: the last second of the year 9999, in seconds since 1970. Far
// larger values would overflow the conversion to a time.
const maxNumericDate = 253402300799

// expiry returns the token's exp. It returns an error if a time claim is not a number in range, or if the token's
// lifetime exceeds maxLifetime. golang-jwt checks that the token is valid now.
func (t *token) expiry(now time.Time, maxLifetime time.Duration) (time.Time, error) {
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
	if exp.Sub(from) > maxLifetime {
		return time.Time{}, errors.New("the lifetime of the token is too long")
	}
	return exp, nil
}

// date returns a time claim that [token.expiry] has checked, in whole seconds as golang-jwt uses it.
func (t *token) date(name string) (time.Time, bool) {
	seconds, ok := t.claims[name].(float64)
	return time.Unix(int64(seconds), 0), ok
}
