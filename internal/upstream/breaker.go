package upstream

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"go.temporal.io/api/errordetails/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
)

// Breaker says when an upstream that is unavailable is spared.
type Breaker struct {
	// Failures are the calls in a row, within Window, after which none are made
	// any more; zero never stops.
	Failures int
	Window   time.Duration
	// Pause is the time between two calls that try again.
	Pause time.Duration
}

// errBreakerOpen is what a call gets that was not made.
var errBreakerOpen = status.Error(codes.Unavailable, "the circuit breaker is open")

// breaker answers for an upstream that does not: at once, so that callers and
// their retries do not pile up, and without the calls that would meet the
// upstream when it comes back. The libraries' breakers let a fixed number of
// calls try, and wait for their ends; a long poll among them would keep them
// shut for its whole length. Here time lets a call through, each pause one, and
// any answer opens the way to all.
type breaker struct {
	policy Breaker
	log    *slog.Logger
	gauge  *telemetry.Gauge

	failing atomic.Bool // there are failures to count; spares the lock while all is well

	mu       sync.Mutex
	failures int
	since    time.Time // of the first of them
	open     bool
	nextTry  time.Time
}

func newBreaker(policy Breaker, log *slog.Logger, gauge *telemetry.Gauge) *breaker {
	return &breaker{policy: policy, log: log, gauge: gauge}
}

// admit reports whether a call may be made.
func (b *breaker) admit() bool {
	if !b.failing.Load() {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open {
		return true
	}
	now := time.Now()
	if now.Before(b.nextTry) {
		return false
	}
	b.nextTry = now.Add(b.policy.Pause)
	return true
}

// observe learns from the end of a call that was begun then.
func (b *breaker) observe(st *status.Status, begun time.Time) {
	switch {
	case unavailable(st):
		b.fail(begun)
	case st.Code() == codes.DeadlineExceeded, st.Code() == codes.Canceled:
		// Our own end of the call, which says nothing about the upstream.
	case b.failing.Load():
		b.succeed()
	}
}

// unavailable distinguishes an upstream that cannot be reached from one that says that
// a single namespace or a single workflow cannot.
func unavailable(st *status.Status) bool {
	if st.Code() != codes.Unavailable || problem.IsWorkflowBusy(st) {
		return false
	}
	for _, detail := range st.Details() {
		if _, ok := detail.(*errordetails.NamespaceUnavailableFailure); ok {
			return false
		}
	}
	return true
}

// fail counts a failure. Of the calls that were in flight at the first one, the
// others tell nothing new: all may have been on one connection, which is made
// again.
func (b *breaker) fail(begun time.Time) {
	if b.policy.Failures == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if b.open {
		b.nextTry = now.Add(b.policy.Pause)
		return
	}
	// A call counts by when it began: failures that take longer than the window
	// would never fall into one.
	if b.failures == 0 || begun.Sub(b.since) > b.policy.Window {
		b.failures, b.since = 0, now
	} else if begun.Before(b.since) {
		return
	}
	b.failing.Store(true)
	if b.failures++; b.failures < b.policy.Failures {
		return
	}
	b.open, b.nextTry = true, now.Add(b.policy.Pause)
	b.gauge.Inc()
	b.log.Warn("upstream is unavailable: calls are refused until it answers", slog.Int("failures", b.failures))
}

func (b *breaker) succeed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open {
		b.log.Info("upstream answers again")
		b.gauge.Dec()
	}
	b.open, b.failures = false, 0
	b.failing.Store(false)
}
