package server

import (
	"net/http"
	"time"

	"github.com/rs/cors"
)

// setSecurityHeaders sets the headers of every response: the request id, and the headers that make a browser treat the
// response as plain data. The pages at /docs replace the Content-Security-Policy by their own.
func setSecurityHeaders(h http.Header, requestID string) {
	values := [...]string{requestID, "nosniff", "default-src 'none'; frame-ancestors 'none'", "no-referrer"} // one allocation for all values
	h["X-Request-Id"] = values[0:1:1]
	h["X-Content-Type-Options"] = values[1:2:2]
	h["Content-Security-Policy"] = values[2:3:3]
	h["Referrer-Policy"] = values[3:4:4]
}

// preflightAge is the time for which a browser may cache a preflight response. Chromium caps it at this value.
const preflightAge = 2 * time.Hour

// withCORS returns middleware that permits pages of the given origins to call the gateway (Fetch standard, section
// 3.3). The gateway does not use cookies, so a page must send a credential itself and cannot act as the browser's user.
func withCORS(origins []string) middleware {
	if len(origins) == 0 {
		return func(next http.Handler) http.Handler { return next }
	}
	return cors.New(cors.Options{
		AllowedOrigins: origins,
		AllowedMethods: methods(),
		AllowedHeaders: []string{"*"}, // includes Grpc-Metadata-<key> for any key
		ExposedHeaders: []string{"Idempotent-Replayed", "Location", "Retry-After", "WWW-Authenticate", "X-Request-Id"},
		MaxAge:         int(preflightAge.Seconds()),
	}).Handler
}
