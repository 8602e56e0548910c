package mint

import "github.com/flowgate/flowgate/internal/auth"

// cacheSize is how many tokens are kept, some kilobyte each.
const cacheSize = 10_000

// subject is what differs between one token and another of the same key and moment.
type subject struct {
	name      string
	namespace string
	role      auth.Role
}

// mintedToken is a token, as it is sent. It can be sent from one moment, in seconds, until before another: they are of the wall
// clock, which is what servers hold a token against, and which a machine that slept or was set right finds elsewhere.
type mintedToken struct {
	header      string
	from, until int64
}

// usable reports whether the token can be sent now.
func (m mintedToken) usable(now int64) bool { return m.from <= now && now < m.until }
