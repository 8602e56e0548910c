package limit

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxAddresses bounds the networks that are remembered, and with them the
// memory: some 200 bytes each.
const maxAddresses = 10_000

// The networks that count as one caller: what one customer of a provider
// usually has, so that it cannot step from one address to the next.
const (
	networkBits4 = 24
	networkBits6 = 64
)

// Failures counts the failed authentications of each network. It is safe for
// concurrent use.
type Failures struct {
	burst     int
	perSecond rate.Limit

	mu        sync.Mutex
	byNetwork map[netip.Prefix]*rate.Limiter
}

// NewFailures allows each network burst failures at once, and perSecond in the
// long run.
func NewFailures(burst int, perSecond float64) *Failures {
	return &Failures{burst: burst, perSecond: rate.Limit(perSecond), byNetwork: map[netip.Prefix]*rate.Limiter{}}
}

// Allow counts a failure of the given address, and tells how long it has to
// wait for the next one when that was one too many. An address that cannot be
// read shares its budget with all others of that kind.
func (f *Failures) Allow(address string) (wait time.Duration, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	limiter := f.limiter(networkOf(address), now)
	if limiter.AllowN(now, 1) {
		return 0, true
	}
	missing := 1 - limiter.TokensAt(now)
	return time.Duration(missing / float64(f.perSecond) * float64(time.Second)), false
}

// bound gives a network's budget. It needs f.mu.
func (f *Failures) limiter(network netip.Prefix, now time.Time) *rate.Limiter {
	limiter, known := f.byNetwork[network]
	if known {
		return limiter
	}
	if len(f.byNetwork) >= maxAddresses {
		f.forget(now)
	}
	limiter = rate.NewLimiter(f.perSecond, f.burst)
	f.byNetwork[network] = limiter
	return limiter
}

// forget drops the networks that have their whole budget again: nothing is
// lost. When all are in debt an attacker has thousands of networks, and no
// budget by network stops it: then all are dropped. It needs f.mu.
func (f *Failures) forget(now time.Time) {
	for network, limiter := range f.byNetwork {
		if limiter.TokensAt(now) >= float64(f.burst) {
			delete(f.byNetwork, network)
		}
	}
	if len(f.byNetwork) >= maxAddresses {
		clear(f.byNetwork)
	}
}

func networkOf(address string) netip.Prefix {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Prefix{}
	}
	bits := networkBits6
	if ip = ip.Unmap().WithZone(""); ip.Is4() {
		bits = networkBits4
	}
	return netip.PrefixFrom(ip, bits).Masked()
}
