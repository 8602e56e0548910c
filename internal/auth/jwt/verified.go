package jwt

import (
	"crypto/sha256"
	"time"

	"github.com/flowgate/flowgate/internal/auth"
)

// maxVerified is the maximum number of cached verified tokens.
const maxVerified = 10_000

// digest is the cache key of a token. It is a cryptographic hash, so that an attacker cannot create a token with the
// same cache key as a valid one.
type digest [sha256.Size]byte

// digestOf hashes a token of usual length without allocating. It runs for every request.
func digestOf(raw string) digest {
	const usual = 2 << 10
	return sha256.Sum256(append(make([]byte, 0, usual), raw...))
}

// verified is the result of verifying a token, with the issuer and the key that it was verified with.
type verified struct {
	principal *auth.Principal
	issuer    *issuer
	key       *key
}

// valid reports whether the token would still pass verification: it has not expired, and the key that verified it is in
// force. All other checks depend only on the token and the configuration.
func (v verified) valid(now time.Time) bool {
	if !now.Before(v.principal.Expires) {
		return false
	}
	keys, err := v.issuer.source.current(now)
	return err == nil && keys.contains(v.key)
}
