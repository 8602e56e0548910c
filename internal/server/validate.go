package server

import (
	"cmp"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/flowgate/flowgate/internal/problem"
)

// validateRequest returns middleware that rejects requests whose headers or path two parsers could interpret
// differently. hosts are the permitted hosts in lower case; an empty list permits all.
func validateRequest(hosts []string) middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := checkHead(hosts, r); err != nil {
				writeProblem(w, r, err)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// checkHead checks the host, the method, the path and the headers. A host that is not permitted is rejected, because an
// attacker may have pointed that name at this gateway (DNS rebinding).
func checkHead(hosts []string, r *http.Request) error {
	if len(hosts) > 0 && !slices.Contains(hosts, hostName(r.Host)) {
		return problem.New(problem.MisdirectedRequest, "This gateway does not serve that host.")
	}
	if r.Method == http.MethodConnect {
		e := problem.New(problem.MethodNotAllowed, "The gateway is not a proxy.")
		e.Members.Allow = methods()
		return e
	}
	if err := validatePath(r.URL); err != nil {
		return err
	}
	for name := range r.Header {
		// CGI and similar interfaces treat X_User and X-User as the same name, so a proxy that removes only one of them
		// can be bypassed (CVE-2025-64484).
		if strings.Contains(name, "_") {
			return problem.Invalid(name, "header names must not contain an underscore")
		}
	}
	return nil
}

// closeAmbiguous closes the connection after the response if another parser may
// find a different end of the request's body. The bytes that follow could then be a
// request for one parser and a part of the body for the other (request smuggling).
//
// RFC 9112 section 6.1 requires a server to close the connection after a request
// with both Content-Length and Transfer-Encoding, and after one with
// Transfer-Encoding in HTTP/1.0. net/http serves both and removes both headers
// before a handler runs. Therefore every chunked body and every HTTP/1.0 request
// closes its connection. To detect only the requests that have both headers, a
// second parser would have to run in front of net/http, and the two parsers could
// also disagree. Nearly all callers send Content-Length and keep their connections.
func closeAmbiguous(response http.Header, r *http.Request) {
	if r.ProtoMajor == 1 && (r.ContentLength < 0 || r.ProtoMinor == 0) {
		response.Set("Connection", "close")
	}
}

// hostName returns the host of a Host header in lower case, without the port and without the brackets of an IPv6
// address.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

// validatePath checks the path. Dot segments are rejected and not resolved. Escaped ones are rejected too, because many
// parsers do not distinguish "%2E" from ".". An id of that form can be sent as a query parameter instead.
func validatePath(u *url.URL) error {
	path, routed := u.Path, cmp.Or(u.RawPath, u.Path) // the router matches the same; EscapedPath may differ from what the caller sent
	for segment := range strings.SplitSeq(routed, "/") {
		decoded, err := segment, error(nil)
		if u.RawPath != "" { // otherwise u.Path is already decoded
			decoded, err = url.PathUnescape(segment)
		}
		if err != nil || decoded == "." || decoded == ".." {
			return problem.New(problem.InvalidPath, `The path must not have dot segments. For an id of that form, send "-" and the id as a parameter.`)
		}
	}
	switch {
	case !strings.HasPrefix(path, "/"):
		return problem.New(problem.InvalidPath, "The path must begin with a slash.")
	case !utf8.ValidString(path) || strings.ContainsFunc(path, unicode.IsControl):
		return problem.New(problem.InvalidPath, "The path must be UTF-8 without control characters.")
	default:
		return nil
	}
}

// requestID returns the request id that the caller sent, so that the caller can find
// its request in the log. If that id is missing or not well-formed, it returns a new
// one: arbitrary text could forge lines of a text log.
func requestID(h http.Header) string {
	const maxLength = 128
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
	id := h.Get("X-Request-Id")
	if id == "" || len(id) > maxLength || strings.Trim(id, allowed) != "" {
		return uuid.Must(uuid.NewV7()).String()
	}
	return id
}
