package server

import (
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"

	"github.com/flowgate/flowgate/internal/docs"
)

// middleware either calls next or responds itself.
type middleware = func(next http.Handler) http.Handler

// publicHandler returns the handler of the public listener. It lists the steps that every request passes, in order.
// Each step adds few stack frames, because thousands of requests may wait at the same time, each with its own stack.
func (g *gateway) publicHandler(probes *probes, pages *docs.Site) http.Handler {
	router, authn := newRouter(), g.newAuthn()
	requestLog := g.newRequestLog(router, probes)

	beforeRouting := []middleware{
		// 1. The client's address, if a trusted proxy reports it.
		trustForwardedFor(g.cfg.Listen.TrustedProxies),
		// 2. The request id, and the event for the log line and the metrics. This
		// step recovers panics of all later steps.
		requestLog.record,
		// 3. Probes, which are served even while the gateway drains.
		probes.intercept,
		// 4. CORS, so that pages of other origins can read the responses of all
		// later steps.
		withCORS(g.cfg.CORS.Origins),
		// 5. The gate, which rejects new requests during the drain.
		passGate(g.gate),
		// 6. Validation of headers and path, before a router interprets them.
		validateRequest(lower(g.cfg.Listen.Hosts)),
	}
	// 7. The router. It comes before authentication, so that the response for an
	// unknown route is the same for every caller.
	router.Group(func(group chi.Router) {
		group.Use(
			// 8. Authentication. It also deletes the credential from the request.
			authn.authenticate,
			// 9. The caller's rate limit.
			authn.limitRate,
			// 10. The span, which continues the caller's trace, and the principal
			// in the request's context.
			authn.attachPrincipal,
		)
		// 11. The doors. They limit the requests in flight of each caller.
		g.api.Mount(group)
		g.temporal.Mount(group)
	})
	mountPublic(router, pages)
	return chain(router, beforeRouting...)
}

// chain returns a handler that runs the steps in order and then last.
func chain(last http.Handler, steps ...middleware) http.Handler {
	for _, step := range slices.Backward(steps) {
		last = step(last)
	}
	return last
}
