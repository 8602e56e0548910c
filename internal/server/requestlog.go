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

// requestLog creates the state of every request, and records the log line and the metrics when the request ends.
type requestLog struct {
	router  chi.Routes
	probes  *probes
	log     *slog.Logger
	metrics *telemetry.Metrics

	readBody time.Duration // maximum time to read a body
	write    time.Duration // maximum time of each write
	budget   time.Duration // maximum time from the start of a request to the end of its response; see recorder

	routeContexts sync.Pool // of *chi.Context, as in chi's router
}

func (g *gateway) newRequestLog(router chi.Routes, probes *probes) *requestLog {
	timeouts := g.cfg.Listen.Timeouts
	return &requestLog{
		router: router, probes: probes, log: g.log, metrics: g.metrics,
		readBody: timeouts.ReadBody, write: timeouts.Write, budget: g.cfg.Limits.RequestBudget,
	}
}

// record is the middleware that creates the state of a request, and records the request after all later steps.
func (l *requestLog) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		state, r := l.begin(w, r)
		defer l.end(state)
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
	started   time.Time
	principal *auth.Principal  // nil before authentication
	endSpan   func(status int) // nil before authentication
	// traced is the context with the request's span, for exemplars; nil before authentication.
	traced context.Context //nolint:containedctx // it belongs to this request
}

// stateKey is the context key of a request's state.
type stateKey struct{}

// Value returns s itself for stateKey and the routing context for chi's key.
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

// stateOf returns the state of a request, or nil if [requestLog.record] has not run.
func stateOf(r *http.Request) *requestState {
	state, _ := r.Context().Value(stateKey{}).(*requestState)
	return state
}

// begin creates the state of a request. It returns the state, and the request with that state as its context.
func (l *requestLog) begin(w http.ResponseWriter, r *http.Request) (*requestState, *http.Request) {
	s := &requestState{started: time.Now(), routing: l.routeContext()}
	s.recorder = recorder{
		ResponseWriter: w, timeout: l.write, budget: l.budget, started: s.started,
		largeBody: r.ContentLength > largeBodyBytes || r.ContentLength < 0 && r.ProtoMajor == 1, // large, or chunked
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
	s.routing.Routes = l.router
	s.Context = telemetry.NewContext(r.Context(), &s.event)
	r = r.WithContext(s)
	s.request = r
	setSecurityHeaders(s.recorder.Header(), s.event.RequestID)
	closeAmbiguous(s.recorder.Header(), r)
	if r.ContentLength != 0 {
		// The deadline is also set for requests that are rejected before their body is
		// read, because net/http reads a part of the body before it responds.
		_ = http.NewResponseController(w).SetReadDeadline(s.started.Add(l.readBody))
	}
	l.metrics.Active.Inc()
	return s, r
}

// routeContext returns an empty routing context. If chi created it, chi would also reset it before [requestLog.end]
// reads the route.
func (l *requestLog) routeContext() *chi.Context {
	if used, ok := l.routeContexts.Get().(*chi.Context); ok {
		used.Reset()
		return used
	}
	return chi.NewRouteContext()
}

// end records the log line, the metrics and the span of a request. It must be deferred, because it recovers a panic of
// the handler.
func (l *requestLog) end(s *requestState) {
	l.metrics.Active.Dec()
	panicked := recover() //nolint:revive // record defers end
	event, rec := &s.event, &s.recorder
	l.recordResult(s, panicked)
	if s.endSpan != nil {
		s.endSpan(rec.status)
	}
	event.Route, event.Status, event.BytesOut = s.routing.RoutePattern(), rec.status, rec.bytes
	event.Duration = time.Since(s.started)
	if !l.probes.isProbe(s.request) {
		event.Log(l.log)
		l.recordMetrics(s)
	}
	l.routeContexts.Put(s.routing) // safe, because work that outlives a request has its own context
	if panicked != nil && errors.Is(asError(panicked), http.ErrAbortHandler) {
		panic(http.ErrAbortHandler) // makes net/http close the connection
	}
}

// recordMetrics records the metrics of a request. The span in the context becomes the exemplar if it is sampled.
func (l *requestLog) recordMetrics(s *requestState) {
	ctx, event := s.traced, &s.event
	if ctx == nil {
		ctx = s
	}
	l.metrics.RecordRequest(ctx, s.request.Method, event.Route, event.Status, event.Duration)
	if s.principal != nil {
		l.metrics.RecordCaller(ctx, s.principal.Account(), event.Status, event.Duration)
	}
}

// recordResult records in the event how the request ended, and responds if the handler panicked before it responded.
// If a response could not be written, the event reports that the client disconnected, whatever error the handler
// reported.
func (l *requestLog) recordResult(s *requestState, panicked any) {
	w, event := &s.recorder, &s.event
	if panicked == nil || errors.Is(asError(panicked), http.ErrAbortHandler) {
		if w.status == 0 {
			w.status = http.StatusOK // the status that net/http sends if the handler writes nothing
		}
		if w.writeErr != nil && w.status < http.StatusBadRequest { // the problem of an error response stays in the log
			e := upstream.Canceled(s.request.Context(), w.writeErr)
			event.SetProblem(string(e.Code), e.LogDetail())
		}
		if event.Code == string(problem.ClientClosedRequest) {
			w.status = problem.ClientClosedRequest.Row().Status // for the log only
		}
		return
	}
	l.log.Error("panic", slog.String("requestId", event.RequestID), slog.Any("panic", panicked), slog.String("stack", string(debug.Stack())))
	err := problem.Of(asError(panicked))
	event.SetProblem(string(err.Code), err.LogDetail())
	if w.status == 0 {
		problem.Write(w, err, problem.Occurrence{RequestID: event.RequestID})
	}
}

// passGate returns middleware that counts the requests in flight, and rejects new ones during the drain.
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

func asError(panicked any) error {
	if err, ok := panicked.(error); ok {
		return err
	}
	return fmt.Errorf("panic: %v", panicked)
}

// writeProblem responds with an error in the format of the door that serves the path.
func writeProblem(w http.ResponseWriter, r *http.Request, err error) {
	state, e := stateOf(r), problem.Of(err)
	state.event.SetProblem(string(e.Code), e.LogDetail())
	if temporalhttp.Owns(r.URL.Path) {
		temporalhttp.WriteError(w, r, e)
		return
	}
	problem.Write(w, e, problem.Occurrence{RequestID: state.event.RequestID, Instance: state.routing.RoutePattern()})
}
