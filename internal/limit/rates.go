package limit

import (
	"fmt"
	"math"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/flowgate/flowgate/internal/cache"
)

// Rates limits the request rate of callers that have a configured limit. Its memory is
// bounded: the callers of a JWT issuer are any number. It is safe for concurrent use.
type Rates struct {
	mu       sync.Mutex
	byCaller *cache.TwoGeneration[string, *rate.Limiter]
}

// maxLimiters is the maximum number of limiters. A caller loses its limiter, and so gets a
// full burst, only if half as many others have called since its last request.
const maxLimiters = 20_000

// NewRates returns a Rates without callers.
func NewRates() *Rates {
	return &Rates{byCaller: cache.NewTwoGeneration[string, *rate.Limiter](maxLimiters)}
}

// Budget is the remaining quota of a caller after a request.
type Budget struct {
	perSecond float64
	burst     int
	left      float64 // number of requests; negative when the caller has exceeded its rate limit
}

// Take counts a request of a caller that may send perSecond requests per second,
// in bursts of up to burst, and reports whether the request is allowed. A changed
// rate takes effect immediately; earlier requests remain counted.
func (r *Rates) Take(caller string, perSecond float64, burst int) (b Budget, ok bool) {
	now := time.Now()
	limiter := r.limiter(caller, perSecond, burst, now)
	ok = limiter.AllowN(now, 1)
	return Budget{perSecond: perSecond, burst: burst, left: limiter.TokensAt(now)}, ok
}

// limiter returns the limiter of a caller, changed to the given rate and burst.
func (r *Rates) limiter(caller string, perSecond float64, burst int, now time.Time) *rate.Limiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	limiter, known := r.byCaller.Get(caller)
	if !known {
		limiter = rate.NewLimiter(rate.Limit(perSecond), burst)
		r.byCaller.Put(caller, limiter)
	}
	if limiter.Limit() != rate.Limit(perSecond) || limiter.Burst() != burst {
		limiter.SetLimitAt(now, rate.Limit(perSecond))
		limiter.SetBurstAt(now, burst)
	}
	return limiter
}

// Wait returns the time until the next request is allowed.
func (b Budget) Wait() time.Duration {
	return time.Duration(max(0, 1-b.left) / b.perSecond * float64(time.Second))
}

// WriteTo sets the headers of draft-ietf-httpapi-ratelimit-headers-10: the
// policy as a number of requests and a window in seconds, the remaining quota,
// and the seconds until the quota is full again.
func (b Budget) WriteTo(h http.Header) {
	window := int(math.Ceil(float64(b.burst) / b.perSecond))
	full := int(math.Ceil((float64(b.burst) - b.left) / b.perSecond))
	h["Ratelimit-Policy"] = []string{fmt.Sprintf(`"key";q=%d;w=%d`, b.burst, window)}
	h["Ratelimit"] = []string{fmt.Sprintf(`"key";r=%d;t=%d`, max(0, int(b.left)), full)}
}
