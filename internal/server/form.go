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

// validateRequest returns the step that rejects requests whose head or path two
// parsers could interpret differently. hosts are the permitted hosts in lower case;
// none means any.
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

// checkHead checks the head of a request. A request for another host is rejected
// too: an attacker may have pointed that name at this gateway (DNS rebinding), or a
// proxy in front did not check it.
func checkHead(hosts []string, r *http.Request) error {
	if len(hosts) > 0 && !slices.Contains(hosts, hostName(r.Host)) {
		return problem.New(problem.MisdirectedRequest, "This gateway does not answer for that host.")
	}
	if r.Method == http.MethodConnect { // it names a host to be connected to, not a resource
		e := problem.New(problem.MethodNotAllowed, "The gateway is no proxy.")
		e.Members.Allow = methods()
		return e
	}
	if err := validatePath(r.URL); err != nil {
		return err
	}
	for name := range r.Header {
		// X_User and X-User are the same for CGI-like servers: a proxy that strips
		// one lets the other through (CVE-2025-64484).
		if strings.Contains(name, "_") {
			return problem.Invalid(name, "header names must not contain an underscore")
		}
	}
	return nil
}

// endAmbiguous closes the connection after the response if another parser may see
// a different end of the request's body: what follows would then be a request for
// one parser and a body for the other (request smuggling).
//
// RFC 9112 section 6.1 requires it of a server for Content-Length beside
// Transfer-Encoding, and for Transfer-Encoding in HTTP/1.0. net/http serves both
// and removes both headers before a handler runs, so every chunked body and every
// HTTP/1.0 request closes its connection. To reject only these two, a second
// parser of heads would have to run in front of net/http, below TLS, and could
// disagree too. Callers with chunked bodies pay with a connection for each
// request; nearly all send Content-Length.
func endAmbiguous(response http.Header, r *http.Request) {
	if r.ProtoMajor == 1 && (r.ContentLength < 0 || r.ProtoMinor == 0) {
		response.Set("Connection", "close")
	}
}

// hostName returns a Host header without its port, in lower case.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

// validatePath checks the path. Dot segments are rejected and not resolved, also
// escaped ones, because many parsers do not distinguish them from plain ones. Ids
// of that form can be sent as parameters.
func validatePath(u *url.URL) error {
	path, routed := u.Path, cmp.Or(u.RawPath, u.Path) // as in the router: EscapedPath may escape less than the caller did
	for segment := range strings.SplitSeq(routed, "/") {
		plain, err := segment, error(nil)
		if u.RawPath != "" { // otherwise it is decoded
			plain, err = url.PathUnescape(segment)
		}
		if err != nil || plain == "." || plain == ".." {
			return problem.New(problem.InvalidPath, `The path must have no dot segments. For an id of that form send "-" and name it by parameter.`)
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

// requestID returns the id that the caller sent, so that it can find its request in
// the log, or a new id if that one is not well-formed: other text could forge lines
// of the log.
func requestID(h http.Header) string {
	const maxLength = 128
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
	id := h.Get("X-Request-Id")
	if id == "" || len(id) > maxLength || strings.Trim(id, allowed) != "" {
		return uuid.Must(uuid.NewV7()).String()
	}
	return id
}
