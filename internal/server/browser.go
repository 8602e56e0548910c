package server

import (
	"net/http"
	"time"

	"github.com/rs/cors"
)

// setSecurityHeaders sets the headers that every response has: the request id, and
// those that make a browser treat it as plain data. The gateway's own pages replace
// the policy.
func setSecurityHeaders(h http.Header, requestID string) {
	values := [...]string{requestID, "nosniff", "default-src 'none'; frame-ancestors 'none'", "no-referrer"} // in one allocation
	h["X-Request-Id"] = values[0:1:1]
	h["X-Content-Type-Options"] = values[1:2:2]
	h["Content-Security-Policy"] = values[2:3:3]
	h["Referrer-Policy"] = values[3:4:4]
}

// preflightAge is how long a browser may cache a preflight response; it is the
// maximum of Chromium.
const preflightAge = 2 * time.Hour

// withCORS returns the step that permits pages of the given origins to call (Fetch
// standard, section 3.3). Cookies are never used, so that a page can do what its API
// key permits, and nothing in the name of its user.
func withCORS(origins []string) middleware {
	if len(origins) == 0 {
		return func(next http.Handler) http.Handler { return next }
	}
	return cors.New(cors.Options{
		AllowedOrigins: origins,
		AllowedMethods: methods(),
		AllowedHeaders: []string{"*"}, // Grpc-Metadata-<key> has as many names as there are keys
		ExposedHeaders: []string{"Location", "Retry-After", "WWW-Authenticate", "X-Request-Id"},
		MaxAge:         int(preflightAge.Seconds()),
	}).Handler
}
