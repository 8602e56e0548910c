package limit

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxNetworks limits the number of networks in memory. Each needs about 200 bytes.
const maxNetworks = 10_000

// The prefix lengths of the networks that count as one client. An attacker may control
// all addresses of such a network, and must gain nothing from using them in turn.
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

// NewFailures returns a limit of perSecond failures for each network, with
// bursts of up to burst failures.
func NewFailures(burst int, perSecond float64) *Failures {
	return &Failures{burst: burst, perSecond: rate.Limit(perSecond), byNetwork: map[netip.Prefix]*rate.Limiter{}}
}

// Allow counts a failed authentication from an address. If the network of the address
// has exceeded the limit, ok is false, and wait is the time until the next failure is
// allowed. All invalid addresses count as one network.
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

// limiter returns the limiter of a network. The caller must hold f.mu.
func (f *Failures) limiter(network netip.Prefix, now time.Time) *rate.Limiter {
	limiter, known := f.byNetwork[network]
	if known {
		return limiter
	}
	if len(f.byNetwork) >= maxNetworks {
		f.forget(now)
	}
	limiter = rate.NewLimiter(f.perSecond, f.burst)
	f.byNetwork[network] = limiter
	return limiter
}

// forget removes the limiters that have their full burst again, because a new limiter
// would be equal. If there are none, it removes all limiters, because the memory must
// stay bounded: an attacker with thousands of networks is not stopped by a limit for
// each. The caller must hold f.mu.
func (f *Failures) forget(now time.Time) {
	for network, limiter := range f.byNetwork {
		if limiter.TokensAt(now) >= float64(f.burst) {
			delete(f.byNetwork, network)
		}
	}
	if len(f.byNetwork) >= maxNetworks {
		clear(f.byNetwork)
	}
}

// networkOf returns the network of an address, or the zero prefix if the
// address is invalid.
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
