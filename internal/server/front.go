package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/rpc"
	"github.com/flowgate/flowgate/internal/telemetry"
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
	gate    *gate
	probes  *probes
	log     *slog.Logger
	metrics *telemetry.Metrics
	hosts   []string // in lower case; none means any

	readBody time.Duration // bound of a whole body
	write    time.Duration // bound of each write
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begin := time.Now()
	rec := &recorder{
		ResponseWriter: w, timeout: f.write,
		large: r.ContentLength > largeBody || r.ContentLength < 0 && r.ProtoMajor == 1,
	}
	event := &telemetry.Event{
		RequestID: requestID(r.Header), Method: r.Method, ClientIP: clientIP(r),
		UserAgent: r.UserAgent(), BytesIn: max(r.ContentLength, 0),
	}
	routing := chi.NewRouteContext() // made here, so that the route is known when the request has left
	routing.Routes = f.router
	ctx := context.WithValue(telemetry.NewContext(r.Context(), event), chi.RouteCtxKey, routing)
	r = r.WithContext(ctx)
	secure(rec.Header(), event.RequestID)
	if r.ContentLength != 0 {
		// Also for whoever is refused before its body is read: net/http reads
		// on before it answers, and must not do so for as long as a caller likes.
		_ = http.NewResponseController(w).SetReadDeadline(begin.Add(f.readBody))
	}
	f.metrics.Active.Inc()
	defer func() {
		f.metrics.Active.Dec()
		failure := recover()
		f.settle(rec, event, failure)
		event.Route, event.Status, event.BytesOut = routing.RoutePattern(), rec.status, rec.bytes
		event.Duration = time.Since(begin)
		if !f.probes.quiet(r) {
			event.Log(f.log)
			f.metrics.Request(ctx, r.Method, event.Route, rec.status, event.Duration)
		}
		if failure != nil && errors.Is(asError(failure), http.ErrAbortHandler) {
			panic(http.ErrAbortHandler) // cuts the connection, as the handler wanted
		}
	}()
	if !f.probes.serve(rec, r) {
		f.next.ServeHTTP(rec, r)
	}
	rec.discard(r.Body)
}

// admit lets a request in, unless the gateway stops or the request's form is
// wrong.
func (f *front) admit(w http.ResponseWriter, r *http.Request) {
	admitted, closing := f.gate.enter()
	if closing {
		w.Header().Set("Connection", "close")
	}
	err := f.problemOfForm(r)
	if !admitted {
		err = problem.New(problem.Draining, "This replica is shutting down.")
	} else {
		defer f.gate.leave()
	}
	if err != nil {
		refuse(w, r, telemetry.FromContext(r.Context()), err)
		return
	}
	f.router.ServeHTTP(w, r)
}

// settle makes the event say how the request ended, and answers for a handler
// that did not.
func (f *front) settle(w *recorder, event *telemetry.Event, failure any) {
	if failure == nil || errors.Is(asError(failure), http.ErrAbortHandler) {
		if w.status == 0 {
			w.status = http.StatusOK // what net/http sends for nothing
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

// refuse answers with a problem, in the form of the door that was knocked at.
func refuse(w http.ResponseWriter, r *http.Request, event *telemetry.Event, err error) {
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
