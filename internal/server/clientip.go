package server

import (
	"net"
	"net/http"

	chimiddleware "github.com/go-chi/chi/v5/middleware"

	"github.com/flowgate/flowgate/internal/config"
)

// trustForwardedFor returns middleware that reads the client's address from X-Forwarded-For if the request comes from a
// trusted proxy, whose address is in one of the given CIDR prefixes. Each proxy appends the address from which it
// received the request. The client's address is the rightmost one that is not a trusted proxy: the client may have
// forged everything to the left of it. The header of a request from any other address is ignored.
func trustForwardedFor(proxies []string) middleware {
	if len(proxies) == 0 {
		return func(next http.Handler) http.Handler { return next }
	}
	networks := make([]string, len(proxies))
	for i, proxy := range proxies {
		network, err := config.ParseNetwork(proxy)
		if err != nil {
			panic(err) //nolint:forbidigo // config.Load has checked the prefixes
		}
		networks[i] = network.String()
	}
	return chimiddleware.ClientIPFromXFF(networks...)
}

// clientIP returns the client's address as a trusted proxy reports it, or else the remote address of the connection.
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
