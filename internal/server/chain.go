package server

import (
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"

	"github.com/flowgate/flowgate/internal/docs"
)

// middleware is one step in the handling of a request. It calls the next step, or
// responds itself.
type middleware = func(next http.Handler) http.Handler

// publicHandler returns the handler of the public listener. It lists the steps that
// every request passes, in order. The steps add few stack frames, because each of
// thousands of waiting requests keeps its stack.
func (g *gateway) publicHandler(p *probes, pages *docs.Site) http.Handler {
	router, authn := newRouter(), g.newAuthn()
	front := g.newFront(router, p)

	beforeRouting := []middleware{
		// 1. The client's address, if a trusted proxy reports it.
		trustForwardedFor(g.cfg.Listen.TrustedProxies),
		// 2. The request id, and the event for the log line and the metrics. This
		// step recovers panics of all later steps.
		front.record,
		// 3. Probes, which are served in every phase of the gateway.
		p.intercept,
		// 4. CORS, so that pages of other origins can read the responses of all
		// later steps.
		withCORS(g.cfg.CORS.Origins),
		// 5. The gate, which rejects new requests while the gateway stops.
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
			authn.identify,
		)
		// 11. The doors. They limit the requests in flight of each caller.
		g.api.Mount(group)
		g.temporal.Mount(group)
	})
	mountPublic(router, pages)
	return chain(router, beforeRouting...)
}

// chain returns a handler that runs the steps in order, and then the last handler.
func chain(last http.Handler, steps ...middleware) http.Handler {
	for _, step := range slices.Backward(steps) {
		last = step(last)
	}
	return last
}
