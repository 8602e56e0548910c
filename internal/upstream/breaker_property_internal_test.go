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

// breakerModel is a breaker, and what the test knows about the calls that it observed.
type breakerModel struct {
	breaker *breaker
	gauge   telemetry.Gauge

	failures  int       // number of failures since the last response
	lastTrial time.Time // when the breaker last admitted a call while open
	lastFail  time.Time // when it last observed a failure that opened it or left it open
}

func (m *breakerModel) isOpen() bool { return m.gauge.Value() == 1 }

// call checks that a closed breaker admits every call, and that an open one admits only
// the first call after each pause.
func (m *breakerModel) call(t *rapid.T) {
	admitted := m.breaker.admit()
	if !m.isOpen() {
		require.True(t, admitted)
		return
	}
	pause := m.breaker.policy.Pause
	require.Equal(t, time.Since(m.lastTrial) >= pause && time.Since(m.lastFail) >= pause, admitted)
	if admitted {
		m.lastTrial = time.Now()
	}
}

// fail observes a call that did not reach the upstream. It began up to 20 seconds ago, which is twice the window of the
// breaker.
func (m *breakerModel) fail(t *rapid.T) {
	wasOpen := m.isOpen()
	m.observe(codes.Unavailable, time.Duration(rapid.IntRange(0, 20).Draw(t, "seconds"))*time.Second)
	m.failures++
	if m.isOpen() {
		m.lastFail = time.Now()
	}
	if !wasOpen && m.isOpen() {
		require.NotZero(t, m.breaker.policy.Failures)
		require.GreaterOrEqual(t, m.failures, m.breaker.policy.Failures)
	}
}

// outage observes the number of failed calls that opens the breaker.
func (m *breakerModel) outage(t *rapid.T) {
	for range m.breaker.policy.Failures {
		m.observe(codes.Unavailable, 0)
		m.failures++
		m.lastFail = time.Now()
	}
	require.Equal(t, m.breaker.policy.Failures > 0, m.isOpen())
}

// respond observes any response of the upstream, which closes the breaker.
func (m *breakerModel) respond(t *rapid.T) {
	m.observe(rapid.SampledFrom([]codes.Code{codes.OK, codes.NotFound, codes.Internal, codes.ResourceExhausted}).Draw(t, "code"), 0)
	m.failures, m.lastTrial, m.lastFail = 0, time.Time{}, time.Time{}
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

// TestBreakerOpensAndCloses simulates an upstream that fails and responds at random.
func TestBreakerOpensAndCloses(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			m := &breakerModel{}
			policy := Breaker{Failures: rapid.IntRange(0, 4).Draw(t, "failures"), Window: 10 * time.Second, Pause: time.Second}
			m.breaker = newBreaker(policy, slog.New(slog.DiscardHandler), &m.gauge)
			t.Repeat(map[string]func(*rapid.T){
				"call": m.call, "fail": m.fail, "outage": m.outage, "respond": m.respond, "cancel": m.cancel, "sleep": sleepRandomly,
				// rapid calls the function with the empty name before and after each of the others.
				"": func(t *rapid.T) { require.Contains(t, []int64{0, 1}, m.gauge.Value()) },
			})
			time.Sleep(policy.Pause)
			require.True(t, m.breaker.admit(), "every breaker admits a call after a pause")
		})
	})
}
