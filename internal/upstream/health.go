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

// The pace of the health watch: seldom while all is well, often while not.
const (
	healthyInterval   = 15 * time.Second
	unhealthyInterval = time.Second
	healthTimeout     = 5 * time.Second
)

// Health is what is known of the upstream.
type Health struct {
	// Ready means that the upstream answered and took our credential.
	Ready bool
	// Reason says why not; it is for the admin listener and the log alone.
	Reason string
}

type health struct {
	state      atomic.Pointer[Health]
	suspicions chan struct{} // holds one when the watch should ask at once
}

// observe learns from ordinary calls what the watch would learn later: an
// answer shows that the server is there and knows us; none, or a refusal of our
// credential, gives the watch reason to ask.
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
			case h.suspicions <- struct{}{}:
			default:
			}
		}
	default:
	}
}

// Health returns the last known state of the default server, without a call. The
// default server has all namespaces that are not configured on another one.
func (c *Client) Health() Health { return c.servers[0].state() }

func (s *server) state() Health {
	if state := s.health.state.Load(); state != nil {
		return *state
	}
	return Health{Reason: "not yet asked"}
}

// WatchHealth keeps [Client.Health] true until ctx ends, and logs when one of
// the servers becomes available or unavailable. It calls GetSystemInfo on each,
// which a server denies to an invalid credential and permits to every valid one.
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
	ctx = NewContext(ctx, &CallOptions{Timeout: healthTimeout, Namespace: s.namespace})
	for {
		wasReady := s.state().Ready
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
		if wasReady != state.Ready {
			c.options.Log.LogAttrs(ctx, levelOf(state), "upstream readiness", s.readiness(state)...)
		}
		if Sleep(ctx, unhealthyInterval) != nil || !s.waitForNextProbe(ctx, interval-unhealthyInterval) {
			return
		}
	}
}

// waitForNextProbe waits until it is time to ask again, or something gives reason to, and
// reports false when ctx ends.
func (s *server) waitForNextProbe(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.health.suspicions:
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

func (s *server) readiness(state Health) []slog.Attr {
	attrs := []slog.Attr{slog.Bool("ready", state.Ready), slog.String("upstream", s.address)}
	if state.Reason != "" {
		attrs = append(attrs, slog.String("reason", state.Reason))
	}
	return attrs
}
