package server

import (
	"net/http"
	"time"

	"github.com/rs/cors"
)

// setSecurityHeaders sets what every answer carries: its id, and what keeps a browser from
// taking it for anything but data. Pages of the gateway's own replace the policy.
func setSecurityHeaders(h http.Header, requestID string) {
	values := [...]string{requestID, "nosniff", "default-src 'none'; frame-ancestors 'none'", "no-referrer"} // in one piece of memory
	h["X-Request-Id"] = values[0:1:1]
	h["X-Content-Type-Options"] = values[1:2:2]
	h["Content-Security-Policy"] = values[2:3:3]
	h["Referrer-Policy"] = values[3:4:4]
}

// preflightAge is how long a browser may remember what it was told; Chromium
// takes no more.
const preflightAge = 2 * time.Hour

// withCORS lets pages of the given origins call (Fetch standard, section 3.3).
// Cookies never count here, so that a page can do what the key that it holds
// can, and nothing in its user's name.
func withCORS(origins []string, next http.Handler) http.Handler {
	if len(origins) == 0 {
		return next
	}
	return cors.New(cors.Options{
		AllowedOrigins: origins,
		AllowedMethods: methods(),
		AllowedHeaders: []string{"*"}, // Grpc-Metadata-<key> has as many names as there are keys
		ExposedHeaders: []string{"Location", "Retry-After", "WWW-Authenticate", "X-Request-Id"},
		MaxAge:         int(preflightAge.Seconds()),
	}).Handler(next)
}
