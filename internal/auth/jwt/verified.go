package jwt

import (
	"crypto/sha256"
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

// valid tells whether the checks would pass still: the token has not ended, and the key that verified it is in force. All
// else that a token is judged by does not change.
func (v verified) valid(now time.Time) bool {
	if !now.Before(v.principal.Expires) {
		return false
	}
	keys, err := v.issuer.source.current(now)
	return err == nil && keys.contains(v.key)
}
