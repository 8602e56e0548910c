package server

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/docs"
	"github.com/flowgate/flowgate/internal/handlers"
	"github.com/flowgate/flowgate/internal/limit"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/rpc"
	"github.com/flowgate/flowgate/internal/telemetry"
)

// doors are all ways in.
type doors struct {
	api      *handlers.API
	temporal *rpc.HTTP
}

// newRouter routes to the doors. What the router itself has to say is a
// problem like all others.
func newRouter(doors doors, authenticate func(http.Handler) http.Handler, pages *docs.Site) chi.Router {
	router := chi.NewRouter()
	router.Use(middleware.GetHead)
	router.NotFound(func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, r, telemetry.FromContext(r.Context()), problem.New(problem.RouteNotFound, "There is no such route."))
	})
	router.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		e := problem.New(problem.MethodNotAllowed, "The route does not take this method.")
		e.Members.Allow = allowed(router, r)
		writeProblem(w, r, telemetry.FromContext(r.Context()), e)
	})
	router.Group(func(group chi.Router) {
		group.Use(authenticate)
		doors.api.Mount(group)
		doors.temporal.Mount(group)
	})
	rpc.MountDocuments(router)
	if pages != nil {
		pages.Mount(router)
	}
	return router
}

// allowed lists the methods of the route that r names.
func allowed(router chi.Routes, r *http.Request) []string {
	path := r.URL.Path
	if r.URL.RawPath != "" {
		path = r.URL.RawPath
	}
	var found []string
	for _, method := range methods() {
		as := method
		if method == http.MethodHead {
			as = http.MethodGet // which answers it too
		}
		if router.Match(chi.NewRouteContext(), as, path) {
			found = append(found, method)
		}
	}
	return found
}

// methods are those that a route can have.
func methods() []string {
	return []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
}

// newAuthMiddleware makes the step behind the router: it proves the credential,
// consumes it, and names the principal to everything behind it. Only now is
// the caller's trace continued: a stranger must not choose what is recorded.
func newAuthMiddleware(a *authMiddleware) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if handlers.Public(chi.RouteContext(r.Context()).RoutePattern()) {
				next.ServeHTTP(w, r)
				return
			}
			r, end := a.authenticate(w, r)
			if r == nil {
				return
			}
			defer func() { end(statusOf(w)) }()
			next.ServeHTTP(w, r)
		})
	}
}

// authMiddleware is what it takes to tell who calls.
type authMiddleware struct {
	authenticator *auth.Authenticator
	failures      *limit.Failures
	rates         *limit.Rates
	metrics       *telemetry.Metrics
	tracing       *telemetry.Tracing
}

// authenticate gives the request of somebody who is known: its credential is gone,
// and its context, log line and span name who calls. Whoever is not known has
// been answered, and there is no request.
func (a *authMiddleware) authenticate(w http.ResponseWriter, r *http.Request) (known *http.Request, end func(status int)) {
	event := telemetry.FromContext(r.Context())
	principal, err := a.authenticator.Authenticate(r)
	if err != nil {
		a.metrics.AuthFailure(r.Context(), string(problem.Of(err).Code))
		writeProblem(w, r, event, throttleFailures(a.failures, event.ClientIP, err))
		return nil, nil
	}
	auth.Strip(r.Header)
	event.SetPrincipal(principal.Name)
	if err := a.rateLimit(principal, w.Header()); err != nil {
		writeProblem(w, r, event, err)
		return nil, nil
	}
	ctx, end := a.tracing.StartServer(r.Context(), r.Header, r.Method, chi.RouteContext(r.Context()).RoutePattern())
	event.TraceID = telemetry.TraceID(ctx)
	return r.WithContext(auth.WithPrincipal(ctx, principal)), end
}

// rateLimit holds a caller to its rate, when it has one, and tells it what is left.
func (a *authMiddleware) rateLimit(p *auth.Principal, h http.Header) error {
	if p.Rate.PerSecond == 0 {
		return nil
	}
	budget, ok := a.rates.Take(p.Account(), p.Rate.PerSecond, p.Rate.Burst)
	budget.WriteTo(h)
	if ok {
		return nil
	}
	e := problem.New(problem.RateLimited, "The caller's rate is used up.")
	e.RetryAfter = budget.Wait()
	return e
}

// throttleFailures refuses an address that keeps failing, in the words of its failure
// as long as it does not. Only what failed is counted, and a credential that is
// right passes whatever came from its address before: behind a load balancer
// that is not trusted all callers share one.
func throttleFailures(failures *limit.Failures, address string, err error) error {
	if !problem.Is(err, problem.InvalidCredential) && !problem.Is(err, problem.InvalidToken) {
		return err
	}
	wait, ok := failures.Allow(address)
	if ok {
		return err
	}
	e := problem.New(problem.TooManyFailures, "Too many credentials from this network were refused.").WithCause(err)
	e.RetryAfter = wait
	return e
}

// statusOf reads the status from the recorder, however it is wrapped.
func statusOf(w http.ResponseWriter) int {
	for w != nil {
		if rec, ok := w.(*recorder); ok {
			return rec.status
		}
		unwrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			break
		}
		w = unwrapper.Unwrap()
	}
	return 0
}
