package server

import (
	"net"
	"net/http"

	chimiddleware "github.com/go-chi/chi/v5/middleware"

	"github.com/flowgate/flowgate/internal/config"
)

// trustForwardedFor returns the step that takes the client's address from
// X-Forwarded-For, if the peer is a proxy in one of the given prefixes. The header
// is read from the right, where each proxy appends its peer, up to the first
// address that is not a trusted proxy: that client can have invented everything
// further left. From any other peer the header is ignored.
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

// clientIP returns the client's address: the one that a trusted proxy reports, or
// else the peer's.
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
