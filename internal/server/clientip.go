package server

import (
	"net"
	"net/http"

	chimiddleware "github.com/go-chi/chi/v5/middleware"

	"github.com/flowgate/flowgate/internal/config"
)

// trustForwardedFor returns the step that reads the client's address from
// X-Forwarded-For if the peer is a proxy in one of the given prefixes. Each proxy
// appends its peer at the right end. The step reads from the right to the first
// address that is not a trusted proxy, because that client may have forged
// everything to the left of it. From any other peer, the header is ignored.
func trustForwardedFor(proxies []string) middleware {
	if len(proxies) == 0 {
		return func(next http.Handler) http.Handler { return next }
	}
	networks := make([]string, len(proxies))
	for i, proxy := range proxies {
		network, err := config.ParseNetwork(proxy)
		if err != nil {
			panic(err) //nolint:forbidigo // the configuration has been checked
		}
		networks[i] = network.String()
	}
	return chimiddleware.ClientIPFromXFF(networks...)
}

// clientIP returns the client's address as a trusted proxy reports it, or else the
// address of the peer.
func clientIP(r *http.Request) string {
	if ip := chimiddleware.GetClientIP(r.Context()); ip != "" {
		return ip
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
