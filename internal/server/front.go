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

// front records every request: it creates the request's state at the begin, and
// the log line and the metrics at the end.
type front struct {
	router  chi.Routes
	probes  *probes
	log     *slog.Logger
	metrics *telemetry.Metrics

	readBody time.Duration // limit of reading a whole body
	write    time.Duration // limit of each write
	budget   time.Duration // of a request, see recorder

	routings sync.Pool // of *chi.Context, like the one of chi's router
}

func (g *gateway) newFront(p *probes) *front {
	timeouts := g.cfg.Listen.Timeouts
	return &front{
		probes: p, log: g.log, metrics: g.metrics,
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

// requestState is the state of one request from its begin to its end. It is the
// request's context too, which saves an allocation.
type requestState struct {
	context.Context //nolint:containedctx // of the request before this one

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

// stateOf returns the state of a request behind [front.record].
func stateOf(r *http.Request) *requestState {
	state, _ := r.Context().Value(stateKey{}).(*requestState)
	return state
}

// begin creates the state of a request, and returns the request with it.
func (f *front) begin(w http.ResponseWriter, r *http.Request) (*requestState, *http.Request) {
	v := &requestState{begin: time.Now(), routing: f.routingContext()}
	v.recorder = recorder{
		ResponseWriter: w, timeout: f.write, budget: f.budget, begin: v.begin,
		largeBody: r.ContentLength > largeBodyBytes || r.ContentLength < 0 && r.ProtoMajor == 1,
	}
	if r.ProtoMajor > 1 {
		if conn, ok := r.Context().Value(connectionKey{}).(net.Conn); ok {
			v.recorder.hangUp = func() { _ = conn.Close() }
		}
	}
	v.event = telemetry.Event{
		RequestID: requestID(r.Header), Method: r.Method, ClientIP: clientIP(r),
		UserAgent: r.UserAgent(), BytesIn: max(r.ContentLength, 0),
	}
	v.routing.Routes = f.router
	v.Context = telemetry.NewContext(r.Context(), &v.event)
	r = r.WithContext(v)
	v.request = r
	setSecurityHeaders(v.recorder.Header(), v.event.RequestID)
	endAmbiguous(v.recorder.Header(), r)
	if r.ContentLength != 0 {
		// Also for requests that are rejected before their body is read: net/http
		// reads on before it responds, which the client must not be able to extend.
		_ = http.NewResponseController(w).SetReadDeadline(v.begin.Add(f.readBody))
	}
	f.metrics.Active.Inc()
	return v, r
}

// routingContext returns the context that the router uses. It comes from here and
// not from the router, so that the route is known at the end of the request.
func (f *front) routingContext() *chi.Context {
	if used, ok := f.routings.Get().(*chi.Context); ok {
		used.Reset()
		return used
	}
	return chi.NewRouteContext()
}

// end is deferred: it ends a request, also after a panic of a handler.
func (f *front) end(v *requestState) {
	f.metrics.Active.Dec()
	failure := recover() //nolint:revive // it is deferred, by record
	event, rec := &v.event, &v.recorder
	f.recordOutcome(v, failure)
	if v.endSpan != nil {
		v.endSpan(rec.status)
	}
	event.Route, event.Status, event.BytesOut = v.routing.RoutePattern(), rec.status, rec.bytes
	event.Duration = time.Since(v.begin)
	if !f.probes.isProbe(v.request) {
		event.Log(f.log)
		f.metrics.Request(v.request.Context(), v.request.Method, event.Route, rec.status, event.Duration)
	}
	f.routings.Put(v.routing) // nothing reads it any more: work that goes on after a request has its own context
	if failure != nil && errors.Is(asError(failure), http.ErrAbortHandler) {
		panic(http.ErrAbortHandler) // closes the connection, as the handler wanted
	}
}

// recordOutcome sets how the request ended in its event, and responds for a handler
// that did not. If the response could not be written, the client has gone, whatever
// the handler made of the failed write.
func (f *front) recordOutcome(v *requestState, failure any) {
	w, event := &v.recorder, &v.event
	if failure == nil || errors.Is(asError(failure), http.ErrAbortHandler) {
		if w.status == 0 {
			w.status = http.StatusOK // as net/http sends if the handler writes nothing
		}
		if w.failed != nil && w.status < http.StatusBadRequest { // else the log keeps the earlier error
			e := upstream.Canceled(v.request.Context(), w.failed)
			event.SetProblem(string(e.Code), e.LogDetail())
		}
		if event.Code == string(problem.ClientClosedRequest) {
			w.status = problem.ClientClosedRequest.Row().Status // for the log: it is not sent
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

// writeProblem responds with a problem, in the format of the door that the path
// belongs to.
func writeProblem(w http.ResponseWriter, r *http.Request, err error) {
	state, e := stateOf(r), problem.Of(err)
	state.event.SetProblem(string(e.Code), e.LogDetail())
	if temporalhttp.Owns(r.URL.Path) {
		temporalhttp.WriteError(w, r, e)
		return
	}
	problem.Write(w, e, problem.Occurrence{RequestID: state.event.RequestID, Instance: state.routing.RoutePattern()})
}
