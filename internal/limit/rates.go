package limit

import (
	"fmt"
	"math"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rates counts the requests of callers that have a rate of their own. It is
// safe for concurrent use. It remembers one budget for each such caller, of
// which there are as many as the operator has named.
type Rates struct {
	mu       sync.Mutex
	byCaller map[string]*rate.Limiter
}

// NewRates has counted nothing yet.
func NewRates() *Rates { return &Rates{byCaller: map[string]*rate.Limiter{}} }

// Budget is what a caller has left after a request.
type Budget struct {
	perSecond float64
	burst     int
	left      float64 // below zero by what is missing
}

// Take counts a request of caller, which may make perSecond in the long run and
// burst at once. A rate that has changed since takes effect at once, and what
// the caller has used up of the old one stays used up.
func (r *Rates) Take(caller string, perSecond float64, burst int) (b Budget, ok bool) {
	now := time.Now()
	limiter := r.limiter(caller, perSecond, burst, now)
	ok = limiter.AllowN(now, 1)
	return Budget{perSecond: perSecond, burst: burst, left: limiter.TokensAt(now)}, ok
}

func (r *Rates) limiter(caller string, perSecond float64, burst int, now time.Time) *rate.Limiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	limiter, known := r.byCaller[caller]
	if !known {
		limiter = rate.NewLimiter(rate.Limit(perSecond), burst)
		r.byCaller[caller] = limiter
	}
	if limiter.Limit() != rate.Limit(perSecond) || limiter.Burst() != burst {
		limiter.SetLimitAt(now, rate.Limit(perSecond))
		limiter.SetBurstAt(now, burst)
	}
	return limiter
}

// Wait is how long it takes until one more request is allowed.
func (b Budget) Wait() time.Duration {
	return time.Duration(max(0, 1-b.left) / b.perSecond * float64(time.Second))
}

// WriteTo tells the caller, in the header fields of
// draft-ietf-httpapi-ratelimit-headers-10: the policy as a number of requests
// and a window of seconds, what is left of it, and in how many seconds all of
// it will be there again.
func (b Budget) WriteTo(h http.Header) {
	window := int(math.Ceil(float64(b.burst) / b.perSecond))
	full := int(math.Ceil((float64(b.burst) - b.left) / b.perSecond))
	h["Ratelimit-Policy"] = []string{fmt.Sprintf(`"key";q=%d;w=%d`, b.burst, window)}
	h["Ratelimit"] = []string{fmt.Sprintf(`"key";r=%d;t=%d`, max(0, int(b.left)), full)}
}
