package upstream

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"pgregory.net/rapid"

	"github.com/flowgate/flowgate/internal/telemetry"
)

// breakerModel is a breaker and a record of the calls that it observed.
type breakerModel struct {
	breaker *breaker
	gauge   telemetry.Gauge

	failures int // since the last response
	admitted time.Time
	failed   time.Time // the last failure that opened the breaker, or that it observed while open
}

func (m *breakerModel) isOpen() bool { return m.gauge.Value() == 1 }

// call makes a call if the breaker admits it. A closed breaker admits every
// call, an open one the first after each pause.
func (m *breakerModel) call(t *rapid.T) {
	admits := m.breaker.admit()
	if !m.isOpen() {
		require.True(t, admits)
		return
	}
	pause := m.breaker.policy.Pause
	require.Equal(t, time.Since(m.admitted) >= pause && time.Since(m.failed) >= pause, admits)
	if admits {
		m.admitted = time.Now()
	}
}

// fail observes a call that began up to 20 seconds ago and did not reach the upstream.
func (m *breakerModel) fail(t *rapid.T) {
	wasOpen := m.isOpen()
	m.observe(codes.Unavailable, time.Duration(rapid.IntRange(0, 20).Draw(t, "seconds"))*time.Second)
	m.failures++
	if m.isOpen() {
		m.failed = time.Now()
	}
	if !wasOpen && m.isOpen() {
		require.NotZero(t, m.breaker.policy.Failures)
		require.GreaterOrEqual(t, m.failures, m.breaker.policy.Failures)
	}
}

// outage observes enough failures of new calls to open the breaker.
func (m *breakerModel) outage(t *rapid.T) {
	for range m.breaker.policy.Failures {
		m.observe(codes.Unavailable, 0)
		m.failures++
		m.failed = time.Now()
	}
	require.Equal(t, m.breaker.policy.Failures > 0, m.isOpen())
}

// respond observes any response of the upstream, which closes the breaker.
func (m *breakerModel) respond(t *rapid.T) {
	m.observe(rapid.SampledFrom([]codes.Code{codes.OK, codes.NotFound, codes.Internal, codes.ResourceExhausted}).Draw(t, "code"), 0)
	m.failures, m.admitted, m.failed = 0, time.Time{}, time.Time{}
	require.False(t, m.isOpen())
	require.True(t, m.breaker.admit())
}

// cancel observes a call that the gateway ended, which changes nothing.
func (m *breakerModel) cancel(t *rapid.T) {
	wasOpen := m.isOpen()
	m.observe(rapid.SampledFrom([]codes.Code{codes.DeadlineExceeded, codes.Canceled}).Draw(t, "code"), 0)
	require.Equal(t, wasOpen, m.isOpen())
}

func (m *breakerModel) observe(code codes.Code, took time.Duration) {
	m.breaker.observe(status.New(code, ""), time.Now().Add(-took))
}

func sleepRandomly(t *rapid.T) {
	time.Sleep(time.Duration(rapid.IntRange(1, 3000).Draw(t, "ms")) * time.Millisecond)
}

// TestBreakerOpensAndCloses calls an upstream that fails and responds at random.
func TestBreakerOpensAndCloses(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			m := &breakerModel{}
			policy := Breaker{Failures: rapid.IntRange(0, 4).Draw(t, "failures"), Window: 10 * time.Second, Pause: time.Second}
			m.breaker = newBreaker(policy, slog.New(slog.DiscardHandler), &m.gauge)
			t.Repeat(map[string]func(*rapid.T){
				"call": m.call, "fail": m.fail, "outage": m.outage, "respond": m.respond, "cancel": m.cancel, "sleep": sleepRandomly,
				"": func(t *rapid.T) { require.Contains(t, []int64{0, 1}, m.gauge.Value()) },
			})
			time.Sleep(policy.Pause)
			require.True(t, m.breaker.admit(), "no state lasts longer than a pause")
		})
	})
}
