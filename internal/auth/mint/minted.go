package mint

import "github.com/flowgate/flowgate/internal/auth"

// cacheSize is the maximum number of cached tokens of about one kilobyte each.
const cacheSize = 10_000

// subject identifies a token among those that one key has signed: by the caller, the namespace and the role.
type subject struct {
	name      string
	namespace string
	role      auth.Role
}

// mintedToken is a token as an authorization header. It can be sent while from <= now < until, in seconds since 1970.
// These are times of the wall clock, which servers compare them with. The monotonic clock does not jump when the wall
// clock does, after a suspend or a correction.
type mintedToken struct {
	header      string
	from, until int64
}

// usable reports whether the token can be sent at the time now.
func (m mintedToken) usable(now int64) bool { return m.from <= now && now < m.until }
