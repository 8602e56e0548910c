package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/drain"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/temporalhttp"
	"github.com/flowgate/flowgate/internal/upstream"
)

// front creates the state of every request, and writes its log line and its metrics
// at the end.
type front struct {
	router  chi.Routes
	probes  *probes
	log     *slog.Logger
	metrics *telemetry.Metrics

	readBody time.Duration // maximum time to read a body
	write    time.Duration // maximum time of each write
	budget   time.Duration // of a request, see recorder

	routings sync.Pool // of *chi.Context, as in chi's router
}

func (g *gateway) newFront(router chi.Routes, p *probes) *front {
	timeouts := g.cfg.Listen.Timeouts
	return &front{
		router: router, probes: p, log: g.log, metrics: g.metrics,
		readBody: timeouts.ReadBody, write: timeouts.Write, budget: g.cfg.Limits.RequestBudget,
	}
}

// record is the step that creates the state of a request and ends it.
func (f *front) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		state, r := f.begin(w, r)
		defer f.end(state)
		next.ServeHTTP(&state.recorder, r)
		state.recorder.discard(r.Body)
	})
}

// connectionKey is the context key of a request's connection.
type connectionKey struct{}

// requestState is the state of one request. It is also the request's context, which
// saves an allocation.
type requestState struct {
	context.Context //nolint:containedctx // the parent context

	recorder  recorder
	event     telemetry.Event
	request   *http.Request
	routing   *chi.Context
	begin     time.Time
	principal *auth.Principal  // nil before authentication
	endSpan   func(status int) // nil before authentication
}

// stateKey is the context key of a request's state.
type stateKey struct{}

// Value returns the state for its key, and the routing context for chi's key.
func (s *requestState) Value(key any) any {
	switch key {
	case stateKey{}:
		return s
	case chi.RouteCtxKey:
		return s.routing
	default:
		return s.Context.Value(key)
	}
}

// stateOf returns the state of a request. It is nil before [front.record].
func stateOf(r *http.Request) *requestState {
	state, _ := r.Context().Value(stateKey{}).(*requestState)
	return state
}

// begin creates the state of a request, and returns the request with it.
func (f *front) begin(w http.ResponseWriter, r *http.Request) (*requestState, *http.Request) {
	s := &requestState{begin: time.Now(), routing: f.routingContext()}
	s.recorder = recorder{
		ResponseWriter: w, timeout: f.write, budget: f.budget, begin: s.begin,
		largeBody: r.ContentLength > largeBodyBytes || r.ContentLength < 0 && r.ProtoMajor == 1,
	}
	if r.ProtoMajor > 1 {
		if conn, ok := r.Context().Value(connectionKey{}).(net.Conn); ok {
			s.recorder.disconnect = func() { _ = conn.Close() }
		}
	}
	s.event = telemetry.Event{
		RequestID: requestID(r.Header), Method: r.Method, ClientIP: clientIP(r),
		UserAgent: r.UserAgent(), BytesIn: max(r.ContentLength, 0),
	}
	s.routing.Routes = f.router
	s.Context = telemetry.NewContext(r.Context(), &s.event)
	r = r.WithContext(s)
	s.request = r
	setSecurityHeaders(s.recorder.Header(), s.event.RequestID)
	closeAmbiguous(s.recorder.Header(), r)
	if r.ContentLength != 0 {
		// The deadline is also set for requests that are rejected before their body is
		// read, because net/http reads a part of the body before it responds.
		_ = http.NewResponseController(w).SetReadDeadline(s.begin.Add(f.readBody))
	}
	f.metrics.Active.Inc()
	return s, r
}

// routingContext returns a context for the router. The front creates it, because it
// needs the route at the end of the request, when the router has reset its own.
func (f *front) routingContext() *chi.Context {
	if used, ok := f.routings.Get().(*chi.Context); ok {
		used.Reset()
		return used
	}
	return chi.NewRouteContext()
}

// end is deferred, so that it also ends a request whose handler panics.
func (f *front) end(s *requestState) {
	f.metrics.Active.Dec()
	failure := recover() //nolint:revive // record defers end
	event, rec := &s.event, &s.recorder
	f.recordOutcome(s, failure)
	if s.endSpan != nil {
		s.endSpan(rec.status)
	}
	event.Route, event.Status, event.BytesOut = s.routing.RoutePattern(), rec.status, rec.bytes
	event.Duration = time.Since(s.begin)
	if !f.probes.isProbe(s.request) {
		event.Log(f.log)
		f.metrics.Request(s.request.Context(), s.request.Method, event.Route, rec.status, event.Duration)
	}
	f.routings.Put(s.routing) // safe, because work that outlives a request has its own context
	if failure != nil && errors.Is(asError(failure), http.ErrAbortHandler) {
		panic(http.ErrAbortHandler) // makes net/http close the connection
	}
}

// recordOutcome records in the event how the request ended, and responds if the
// handler panicked before it responded. A response that could not be written means
// that the client has left, even if the handler reported another error for it.
func (f *front) recordOutcome(s *requestState, failure any) {
	w, event := &s.recorder, &s.event
	if failure == nil || errors.Is(asError(failure), http.ErrAbortHandler) {
		if w.status == 0 {
			w.status = http.StatusOK // the status that net/http sends if the handler writes nothing
		}
		if w.failed != nil && w.status < http.StatusBadRequest { // an earlier error stays in the log
			e := upstream.Canceled(s.request.Context(), w.failed)
			event.SetProblem(string(e.Code), e.LogDetail())
		}
		if event.Code == string(problem.ClientClosedRequest) {
			w.status = problem.ClientClosedRequest.Row().Status // for the log only
		}
		return
	}
	f.log.Error("panic", slog.String("requestId", event.RequestID), slog.Any("panic", failure), slog.String("stack", string(debug.Stack())))
	err := problem.Of(asError(failure))
	event.SetProblem(string(err.Code), err.LogDetail())
	if w.status == 0 {
		problem.Write(w, err, problem.Occurrence{RequestID: event.RequestID})
	}
}

// passGate returns the step that rejects requests while the gateway stops, and
// counts those in flight.
func passGate(gate *drain.Gate) middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			admitted, closing := gate.Enter()
			if closing {
				w.Header().Set("Connection", "close")
			}
			if !admitted {
				writeProblem(w, r, problem.ShuttingDown())
				return
			}
			defer gate.Leave()
			next.ServeHTTP(w, r)
		})
	}
}

func asError(failure any) error {
	if err, ok := failure.(error); ok {
		return err
	}
	return fmt.Errorf("panic: %v", failure)
}

// writeProblem responds with a problem, in the format of the door to which the path
// belongs.
func writeProblem(w http.ResponseWriter, r *http.Request, err error) {
	state, e := stateOf(r), problem.Of(err)
	state.event.SetProblem(string(e.Code), e.LogDetail())
	if temporalhttp.Owns(r.URL.Path) {
		temporalhttp.WriteError(w, r, e)
		return
	}
	problem.Write(w, e, problem.Occurrence{RequestID: state.event.RequestID, Instance: state.routing.RoutePattern()})
}
