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

// validateRequest refuses requests whose head or path two parsers could read in
// two ways, and those that are for another host: a name that an attacker has
// pointed at us (DNS rebinding), or one that a proxy in front did not check.
func (f *front) validateRequest(r *http.Request) error {
	if len(f.hosts) > 0 && !slices.Contains(f.hosts, hostName(r.Host)) {
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
		// X_User and X-User are one to CGI-like servers: a proxy that strips
		// the one lets the other through (CVE-2025-64484).
		if strings.Contains(name, "_") {
			return problem.Invalid(name, "header names must not contain an underscore")
		}
	}
	return nil
}

// endAmbiguous closes the connection after the response where another parser
// may see a different end of the request's body: then what follows is a
// request to one of the two and a body to the other (request smuggling).
//
// RFC 9112 section 6.1 demands it of a server for Content-Length beside
// Transfer-Encoding, and for Transfer-Encoding in HTTP/1.0. net/http serves
// both and removes both headers before a handler runs, so every body in chunks
// and every HTTP/1.0 request ends its connection. To refuse these two alone, a
// second parser of heads would have to read along in front of net/http, below
// TLS, and would be one more that can disagree. Callers with bodies in chunks
// pay with a connection for each request; nearly all send Content-Length.
func endAmbiguous(response http.Header, r *http.Request) {
	if r.ProtoMajor == 1 && (r.ContentLength < 0 || r.ProtoMinor == 0) {
		response.Set("Connection", "close")
	}
}

// hostName is a Host header without its port, in lower case.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

// validatePath judges the path. Dot segments are refused and not resolved, the
// escaped ones too, because many parsers cannot tell them from plain ones; ids
// of that form have a way of their own.
func validatePath(u *url.URL) error {
	path, routed := u.Path, cmp.Or(u.RawPath, u.Path) // as the router has it: EscapedPath would undo what was escaped beside a character that has to be
	for segment := range strings.SplitSeq(routed, "/") {
		plain, err := segment, error(nil)
		if u.RawPath != "" { // else it is decoded
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

// requestID keeps a well-formed id of the caller, so that it finds its request
// in our log; anything else could write into the log as it likes.
func requestID(h http.Header) string {
	const maxLength = 128
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
	id := h.Get("X-Request-Id")
	if id == "" || len(id) > maxLength || strings.Trim(id, allowed) != "" {
		return uuid.Must(uuid.NewV7()).String()
	}
	return id
}
