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

// Breaker is the policy of a circuit breaker.
type Breaker struct {
	// Failures is the number of consecutive failed calls within Window that opens
	// the breaker. Zero disables it.
	Failures int
	Window   time.Duration
	// Pause is the time between two trial calls while the breaker is open.
	Pause time.Duration
}

// errBreakerOpen is the error of a call that the breaker did not admit.
var errBreakerOpen = status.Error(codes.Unavailable, "the circuit breaker is open")

// breaker fails calls to an unavailable upstream immediately, so that callers and
// their retries do not pile up, and so that the upstream is not flooded when it
// recovers.
//
// Common breaker libraries admit a fixed number of trial calls and wait for them to
// end. If one of them is a long poll, such a breaker stays open for as long as the
// poll lasts. This breaker admits one trial call per pause, and any response closes it.
type breaker struct {
	policy Breaker
	log    *slog.Logger
	gauge  *telemetry.Gauge

	failing atomic.Bool // whether failures is above zero; spares calls to a healthy upstream the lock

	mu       sync.Mutex
	failures int
	since    time.Time // when the first of these failures was observed
	open     bool
	nextTry  time.Time // when the next trial call is admitted
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

// observe records the status of a call that began at the given time.
func (b *breaker) observe(st *status.Status, begun time.Time) {
	switch {
	case unavailable(st):
		b.fail(begun)
	case st.Code() == codes.DeadlineExceeded, st.Code() == codes.Canceled:
		// The gateway ended the call, so the status does not describe the upstream.
	case b.failing.Load():
		b.succeed()
	}
}

// unavailable reports whether a status means that the upstream cannot be reached. It
// is false if only one namespace or one workflow is unavailable.
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

// fail counts a failure. It ignores calls that were already in flight at the first
// failure, because they may have failed with the same lost connection.
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
	// The window is compared with the start of the call, not with its end: otherwise
	// calls that take longer than the window to fail would never open the breaker.
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
	b.log.Warn("upstream is unavailable: calls fail until it responds", slog.Int("failures", b.failures))
}

func (b *breaker) succeed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open {
		b.log.Info("upstream responds again")
		b.gauge.Dec()
	}
	b.open, b.failures = false, 0
	b.failing.Store(false)
}
