package upstream

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/auth"
)

// The intervals and the timeout of health probes.
const (
	healthyInterval   = 15 * time.Second
	unhealthyInterval = time.Second
	healthTimeout     = 5 * time.Second
	// reasonInterval is the minimum time between two log lines of a server that stays not ready. Errors of
	// the network contain changing port numbers, and two reasons may alternate.
	reasonInterval = 15 * time.Second
)

// Health is the last known state of the upstream.
type Health struct {
	// Ready means that the upstream responded and accepted the credential of
	// the gateway.
	Ready bool
	// Reason is why the upstream is not ready. It is for the admin listener and
	// the log only, because it may contain internal names.
	Reason string
}

type health struct {
	state    atomic.Pointer[Health]
	probeNow chan struct{} // has one element if a call has requested an early probe
}

// observe updates the state from ordinary calls, before the next probe. A
// successful call means that the server is ready. A call that did not reach the
// server, or whose credential was rejected, triggers a probe.
func (h *health) observe(code codes.Code) {
	state := h.state.Load()
	ready := state != nil && state.Ready
	switch code {
	case codes.OK:
		if !ready {
			h.state.Store(&Health{Ready: true})
		}
	case codes.Unavailable, codes.Unauthenticated:
		if ready {
			select {
			case h.probeNow <- struct{}{}:
			default:
			}
		}
	default:
	}
}

// Health returns the last known state of the default server, without a call. The
// default server serves the namespaces without a configured server.
func (c *Client) Health() Health { return c.servers[0].state() }

func (s *server) state() Health {
	if state := s.health.state.Load(); state != nil {
		return *state
	}
	return Health{Reason: "no probe has finished yet"}
}

// WatchHealth updates [Client.Health] until ctx ends. It logs when a server becomes
// ready or not ready, and when the reason why it is not ready changes. It calls GetSystemInfo on each server, because the server
// permits it with every valid credential and rejects it with an invalid one.
func (c *Client) WatchHealth(ctx context.Context) {
	ctx = auth.WithPrincipal(ctx, &auth.Principal{Name: clientName})
	var watches sync.WaitGroup
	for _, server := range c.servers {
		watches.Go(func() { c.watch(ctx, server) })
	}
	watches.Wait()
}

// watch is [Client.WatchHealth] for one server.
func (c *Client) watch(ctx context.Context, s *server) {
	ctx = WithOptions(ctx, &CallOptions{Timeout: healthTimeout, Namespace: s.namespace})
	var logged readinessLog
	for {
		err := c.Do(ctx, workflowservice.WorkflowService_GetSystemInfo_FullMethodName,
			&workflowservice.GetSystemInfoRequest{}, &workflowservice.GetSystemInfoResponse{})
		if ctx.Err() != nil {
			return
		}
		state := Health{Ready: err == nil}
		interval := healthyInterval
		if err != nil {
			state.Reason = err.Error()
			interval = unhealthyInterval
		}
		s.health.state.Store(&state)
		if logged.changed(state, time.Now()) {
			c.options.Log.LogAttrs(ctx, levelOf(state), "upstream readiness", s.readinessAttrs(state)...)
		}
		// Calls can trigger a probe, but at most one per unhealthyInterval.
		if Sleep(ctx, unhealthyInterval) != nil || !s.waitForNextProbe(ctx, interval-unhealthyInterval) {
			return
		}
	}
}

// readinessLog is what the log contains about the readiness of one server. The zero value
// means nothing.
type readinessLog struct {
	state Health
	at    time.Time // when state was logged
}

// changed reports whether the state must be logged, and then assumes that it is.
func (l *readinessLog) changed(state Health, now time.Time) bool {
	first := l.at.IsZero() || l.state.Ready != state.Ready
	if !first && (l.state == state || now.Sub(l.at) < reasonInterval) {
		return false
	}
	l.state, l.at = state, now
	return true
}

// waitForNextProbe waits for d, or until a call triggers a probe. It returns false if
// ctx ends first.
func (s *server) waitForNextProbe(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.health.probeNow:
		return true
	case <-ctx.Done():
		return false
	}
}

func levelOf(state Health) slog.Level {
	if state.Ready {
		return slog.LevelInfo
	}
	return slog.LevelWarn
}

func (s *server) readinessAttrs(state Health) []slog.Attr {
	attrs := []slog.Attr{slog.Bool("ready", state.Ready), slog.String("upstream", s.address)}
	if state.Reason != "" {
		attrs = append(attrs, slog.String("reason", state.Reason))
	}
	return attrs
}
