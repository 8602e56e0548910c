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

	"github.com/flowgate/flowgate/internal/drain"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/rpc"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/upstream"
)

// front is the first to see a request and the last to leave it. The order is:
//
//  1. request id, so that every answer has one;
//  2. the event, from which the log line, the metrics and the span are made;
//  3. probes, which are answered in every state of the gateway;
//  4. CORS, where pages of other origins may call, so that they can read what
//     all later steps answer;
//  5. the gate, which refuses what arrives while the gateway stops;
//  6. the form of head and path, before a router interprets them;
//  7. the router, and behind it the credential (authenticate), so that an
//     unknown route looks the same to everyone;
//  8. the doors, which bound what is in flight for each caller.
//
// Before all of them stands, when there are trusted proxies, whom they vouch
// for (believing). It is a few frames deep: 5,000 waiting callers keep their
// stacks.
type front struct {
	router  chi.Router
	next    http.Handler // admit, behind CORS where it is configured
	gate    *drain.Gate
	probes  *probes
	log     *slog.Logger
	metrics *telemetry.Metrics
	hosts   []string // in lower case; none means any

	readBody time.Duration // bound of a whole body
	write    time.Duration // bound of each write
	budget   time.Duration // of a request, see recorder

	routings sync.Pool // of *chi.Context, as chi's router has one of its own
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v, r := f.receive(w, r)
	defer f.leave(v)
	if !f.probes.serve(&v.recorder, r) {
		f.next.ServeHTTP(&v.recorder, r)
	}
	v.recorder.discard(r.Body)
}

// connectionKey is where a request's context has its connection.
type connectionKey struct{}

// requestState is one request from its begin to its end.
type requestState struct {
	recorder recorder
	event    telemetry.Event
	request  *http.Request
	routing  *chi.Context
	begin    time.Time
}

// receive is what is done for each request before anything is known of it.
func (f *front) receive(w http.ResponseWriter, r *http.Request) (*requestState, *http.Request) {
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
	r = r.WithContext(context.WithValue(telemetry.NewContext(r.Context(), &v.event), chi.RouteCtxKey, v.routing))
	v.request = r
	setSecurityHeaders(v.recorder.Header(), v.event.RequestID)
	endAmbiguous(v.recorder.Header(), r)
	if r.ContentLength != 0 {
		// Also for whoever is refused before its body is read: net/http reads
		// on before it answers, and must not do so for as long as a caller likes.
		_ = http.NewResponseController(w).SetReadDeadline(v.begin.Add(f.readBody))
	}
	f.metrics.Active.Inc()
	return v, r
}

// routingContext is what the router works in. It is taken here and not by the
// router, so that the route is known when the request has left.
func (f *front) routingContext() *chi.Context {
	if used, ok := f.routings.Get().(*chi.Context); ok {
		used.Reset()
		return used
	}
	return chi.NewRouteContext()
}

// leave is what is done for each request at its end, also when a handler has
// panicked. It is deferred.
func (f *front) leave(v *requestState) {
	f.metrics.Active.Dec()
	failure := recover() //nolint:revive // it is deferred, by ServeHTTP
	event, rec := &v.event, &v.recorder
	f.recordOutcome(v, failure)
	event.Route, event.Status, event.BytesOut = v.routing.RoutePattern(), rec.status, rec.bytes
	event.Duration = time.Since(v.begin)
	if !f.probes.isProbe(v.request) {
		event.Log(f.log)
		f.metrics.Request(v.request.Context(), v.request.Method, event.Route, rec.status, event.Duration)
	}
	f.routings.Put(v.routing) // nothing reads it any more: work that outlasts a request has a context of its own
	if failure != nil && errors.Is(asError(failure), http.ErrAbortHandler) {
		panic(http.ErrAbortHandler) // cuts the connection, as the handler wanted
	}
}

// passGate lets a request in, unless the gateway stops or the request's form is
// wrong.
func (f *front) passGate(w http.ResponseWriter, r *http.Request) {
	if f.enter(w, r) {
		defer f.gate.Leave()
		f.router.ServeHTTP(w, r)
	}
}

// enter passes the gate, or answers why not.
func (f *front) enter(w http.ResponseWriter, r *http.Request) bool {
	admitted, closing := f.gate.Enter()
	if closing {
		w.Header().Set("Connection", "close")
	}
	err := f.validateRequest(r)
	if !admitted {
		err = problem.New(problem.Draining, "This replica is shutting down.")
	}
	if err == nil {
		return true
	}
	defer func() {
		if admitted {
			f.gate.Leave()
		}
	}()
	writeProblem(w, r, telemetry.FromContext(r.Context()), err)
	return false
}

// signalIdle makes the event say how the request ended, and answers for a handler
// that did not. A response that was not taken is its client's end, whatever its
// handler made of the failed write.
func (f *front) recordOutcome(v *requestState, failure any) {
	w, event := &v.recorder, &v.event
	if failure == nil || errors.Is(asError(failure), http.ErrAbortHandler) {
		if w.status == 0 {
			w.status = http.StatusOK // what net/http sends for nothing
		}
		if w.failed != nil && w.status < http.StatusBadRequest { // else the log keeps what went wrong before
			e := upstream.Canceled(v.request.Context(), w.failed)
			event.SetProblem(string(e.Code), e.LogDetail())
		}
		if event.Code == string(problem.ClientClosedRequest) {
			w.status = problem.ClientClosedRequest.Row().Status // for the log: nobody is sent it
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

func asError(failure any) error {
	if err, ok := failure.(error); ok {
		return err
	}
	return fmt.Errorf("panic: %v", failure)
}

// writeProblem answers with a problem, in the form of the door that was knocked at.
func writeProblem(w http.ResponseWriter, r *http.Request, event *telemetry.Event, err error) {
	e := problem.Of(err)
	event.SetProblem(string(e.Code), e.LogDetail())
	if rpc.Owns(r.URL.Path) {
		rpc.WriteError(w, r, e)
		return
	}
	problem.Write(w, e, problem.Occurrence{
		RequestID: event.RequestID, Instance: chi.RouteContext(r.Context()).RoutePattern(),
	})
}
