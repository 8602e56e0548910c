package telemetry

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
)

// callers contains the label sets of the metrics per caller. The first callers have label sets of their own, up to a
// limit, and the others share one: callers choose their names, for example with the subjects of JWTs, so the number of
// names has no bound. callers is safe for concurrent use.
type callers struct {
	limit  int // zero disables the metrics; set before the first request
	known  sync.Map
	mu     sync.Mutex // held while a caller is added
	size   atomic.Int64
	others *callerLabels
}

// callerLabels contains the label sets of one caller.
type callerLabels struct{ success, clientError, serverError, duration labels }

func newCallerLabels(name string) *callerLabels {
	caller := attribute.String("caller", name)
	outcome := func(value string) labels {
		return newLabels([]attribute.KeyValue{caller, attribute.String("outcome", value)})
	}
	return &callerLabels{
		success: outcome(success), clientError: outcome("client_error"), serverError: outcome("server_error"),
		duration: newLabels([]attribute.KeyValue{caller}),
	}
}

// of returns the label sets of a caller.
func (c *callers) of(name string) *callerLabels {
	if found, ok := c.known.Load(name); ok {
		return found.(*callerLabels) //nolint:forcetypeassert // the map has no other type
	}
	if c.size.Load() >= int64(c.limit) {
		return c.others
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if found, ok := c.known.Load(name); ok {
		return found.(*callerLabels) //nolint:forcetypeassert // the map has no other type
	}
	if c.size.Load() >= int64(c.limit) {
		return c.others
	}
	// The Prometheus format requires UTF-8: one invalid name would make all metrics unreadable.
	added := newCallerLabels(truncateName(strings.ToValidUTF8(name, "\uFFFD"), maxPrincipal))
	c.known.Store(name, added)
	c.size.Add(1)
	return added
}

// LimitCallers enables the metrics per caller for the first callers, up to the limit; the others are counted as _other.
// Zero disables these metrics. Call it before the first request.
func (m *Metrics) LimitCallers(limit int) { m.callers.limit = limit }

// RecordCaller records one request of an authenticated caller, by the name that its limits are charged to.
func (m *Metrics) RecordCaller(ctx context.Context, name string, status int, d time.Duration) {
	if m.callers.limit == 0 {
		return
	}
	caller := m.callers.of(name)
	outcome := caller.success
	switch {
	case status >= http.StatusInternalServerError:
		outcome = caller.serverError
	case status >= http.StatusBadRequest:
		outcome = caller.clientError
	}
	m.callerRequests.Add(ctx, 1, outcome.add...)
	m.callerDuration.Add(ctx, d.Seconds(), caller.duration.add...)
}
