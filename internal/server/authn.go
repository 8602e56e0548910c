package server

import (
	"net/http"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/limit"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
)

// authn holds the middleware that authenticates callers. It runs after routing and before the doors.
type authn struct {
	identity *identity
	failures *limit.Failures
	rates    *limit.Rates
	metrics  *telemetry.Metrics
	tracing  *telemetry.Tracing
}

func (g *gateway) newAuthn() *authn {
	failures := g.cfg.Auth.FailureLimit
	for _, code := range []problem.Code{
		problem.Unauthenticated, problem.InvalidCredential, problem.InvalidToken, problem.AmbiguousCredentials, problem.JWKSUnavailable,
	} {
		g.metrics.StartAuthFailures(string(code))
	}
	return &authn{
		identity: &g.identity, metrics: g.metrics, tracing: g.tracing,
		failures: limit.NewFailures(failures.Burst, failures.PerSecond), rates: limit.NewRates(),
	}
}

// authenticate verifies the credential of a request and then removes it from the headers.
func (a *authn) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		state := stateOf(r)
		principal, err := a.identity.callers().authenticator.Authenticate(r)
		if err != nil {
			a.metrics.AuthFailure(r.Context(), string(problem.Of(err).Code))
			if rejection, ok := auth.RejectionOf(err); ok {
				state.event.SetRejection(rejection.Reason, rejection.KeyID)
			}
			writeProblem(w, r, a.throttleFailures(state.event.ClientIP, err))
			return
		}
		auth.Strip(r.Header)
		state.principal = principal
		state.event.SetPrincipal(principal.Name)
		next.ServeHTTP(w, r)
	})
}

// throttleFailures counts a rejected credential against the client's address. It returns err, or an error with a retry
// delay if the address has exceeded its limit. The limit never applies to a valid credential: behind a load balancer
// whose X-Forwarded-For is not trusted, all callers share one address.
func (a *authn) throttleFailures(address string, err error) error {
	if !problem.Is(err, problem.InvalidCredential) && !problem.Is(err, problem.InvalidToken) {
		return err
	}
	wait, ok := a.failures.Allow(address)
	if ok {
		return err
	}
	e := problem.New(problem.TooManyFailures, "Too many credentials from this network were rejected.").WithCause(err)
	e.RetryAfter = wait
	return e
}

// limitRate applies the rate limit of the caller, if it has one. Response headers report how much of it remains.
func (a *authn) limitRate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := stateOf(r).principal; p.Rate.PerSecond > 0 {
			budget, ok := a.rates.Take(p.Account(), p.Rate.PerSecond, p.Rate.Burst)
			budget.WriteTo(w.Header())
			if !ok {
				e := problem.New(problem.RateLimited, "The caller has exceeded its rate limit.")
				e.RetryAfter = budget.Wait()
				writeProblem(w, r, e)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// attachPrincipal adds the principal to the request's context and starts the request's span, which continues the
// caller's trace. The span starts after authentication, because an unknown caller must not control what is sampled.
func (a *authn) attachPrincipal(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		state := stateOf(r)
		ctx, endSpan := a.tracing.StartServer(r.Context(), r.Header, r.Method, state.routing.RoutePattern())
		state.traced, state.endSpan = ctx, endSpan
		state.event.TraceID = telemetry.TraceID(ctx)
		next.ServeHTTP(w, r.WithContext(auth.WithPrincipal(ctx, state.principal)))
	})
}
