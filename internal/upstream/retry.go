package upstream

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/flowgate/flowgate/internal/problem"
)

// RetryPolicy is the retry policy of calls. It has the parameters of the RPC retry
// options of sdk-core, the shared core of the Temporal SDKs.
type RetryPolicy struct {
	InitialInterval time.Duration
	Multiplier      float64
	MaxInterval     time.Duration
	// MaxElapsed is the maximum total time of all attempts and of the pauses
	// between them.
	MaxElapsed time.Duration
	// MaxAttempts includes the first attempt. Zero means no limit.
	MaxAttempts int
}

// The backoff after RESOURCE_EXHAUSTED, as in sdk-core, and after an error that says
// that the workflow is busy.
const (
	exhaustedInitial    = time.Second
	exhaustedMultiplier = 2
	exhaustedMax        = 10 * time.Second
)

// jitter varies each backoff by up to 20 percent in either direction, so that calls
// that failed together are not repeated together.
const jitter = 0.2

// delay returns the pause between the given attempt and the next one, or false if the
// policy permits no other attempt. elapsed is the time since the first attempt began.
func (p RetryPolicy) delay(st *status.Status, attempt int, elapsed time.Duration) (time.Duration, bool) {
	if p.MaxAttempts > 0 && attempt >= p.MaxAttempts {
		return 0, false
	}
	pause := exponentialBackoff(p.InitialInterval, p.Multiplier, p.MaxInterval, attempt)
	if st.Code() == codes.ResourceExhausted || problem.IsWorkflowBusy(st) {
		pause = max(pause, exponentialBackoff(exhaustedInitial, exhaustedMultiplier, exhaustedMax, attempt))
	}
	pause = time.Duration(float64(pause) * (1 - jitter + 2*jitter*rand.Float64())) //nolint:gosec // spreads load; need not be unpredictable
	return pause, elapsed+pause < p.MaxElapsed
}

// exponentialBackoff returns the pause after the given attempt, counted from 1.
func exponentialBackoff(initial time.Duration, multiplier float64, limit time.Duration, attempt int) time.Duration {
	pause := float64(initial)
	for range attempt - 1 {
		pause *= multiplier
		if pause >= float64(limit) {
			return limit
		}
	}
	return min(time.Duration(pause), limit)
}

// transient reports whether a retry may succeed after this status. The codes are those
// after which the SDKs retry, and CANCELLED if the caller did not cancel the call: the
// transport returns it, for example after GOAWAY.
func transient(ctx context.Context, st *status.Status) bool {
	switch st.Code() {
	case codes.DataLoss, codes.Internal, codes.Unknown, codes.Aborted, codes.OutOfRange, codes.Unavailable:
		return true
	case codes.ResourceExhausted:
		return !tooLarge(st)
	case codes.Canceled:
		return ctx.Err() == nil
	default:
		return false
	}
}

// tooLarge reports whether RESOURCE_EXHAUSTED means that a message is too large, so that
// a retry would fail again, and not that a rate limit is exceeded. The texts are those of
// the gRPC libraries, some of which add the prefix "grpc: ".
func tooLarge(st *status.Status) bool {
	message := strings.TrimPrefix(st.Message(), "grpc: ")
	return strings.HasPrefix(message, "received message") || strings.HasPrefix(message, "message after decompression") ||
		strings.HasPrefix(message, sendTooLarge) || strings.HasPrefix(message, "message too large")
}

// sendTooLarge is the prefix of gRPC's error for a message above the send limit.
const sendTooLarge = "trying to send message"

// The retry throttle of gRPC (gRFC A6): each failure takes a token, each success
// returns a tenth of one, and calls are retried only while more than half of the
// tokens are left. So an upstream that fails every call receives little more than one
// attempt per call. With few callers, there are enough tokens to retry until a server
// has restarted. With many callers, the breaker opens before the tokens are used up.
const (
	throttleTokens = 100.0
	throttleRatio  = 0.1
)

type throttle struct {
	mu     sync.Mutex
	tokens float64
}

func newThrottle() *throttle { return &throttle{tokens: throttleTokens} }

func (t *throttle) success() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tokens = min(t.tokens+throttleRatio, throttleTokens)
}

// failure takes a token and reports whether the call may be repeated.
func (t *throttle) failure() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tokens = max(t.tokens-1, 0)
	return t.tokens > throttleTokens/2
}

// Sleep waits for d. If ctx ends first, it returns the error of ctx. If d is negative,
// it does not wait.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
