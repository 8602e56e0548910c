package server

import (
	"net"
	"net/http"

	"github.com/go-chi/chi/v5/middleware"

	"github.com/flowgate/flowgate/internal/config"
)

// trustForwardedFor lets the proxies of the given prefixes say for whom they ask, in
// X-Forwarded-For. The header is walked from the right, where each proxy adds
// whom it heard, up to the first address that is none of ours: what stands left
// of it is that one's to invent. From any other peer the header counts nothing.
func trustForwardedFor(proxies []string, next http.Handler) http.Handler {
	if len(proxies) == 0 {
		return next
	}
	networks := make([]string, len(proxies))
	for i, proxy := range proxies {
		network, err := config.ParseNetwork(proxy)
		if err != nil {
			panic(err) //nolint:forbidigo // the configuration has been checked
		}
		networks[i] = network.String()
	}
	return middleware.ClientIPFromXFF(networks...)(next)
}

// clientIP is the caller's address: the one that a trusted proxy vouches for,
// else the peer's.
func clientIP(r *http.Request) string {
	if ip := middleware.GetClientIP(r.Context()); ip != "" {
		return ip
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
