// Package sse writes streams of server-sent events (HTML standard, section
// 9.2, https://html.spec.whatwg.org/multipage/server-sent-events.html).
//
// Trust boundary: the package writes its input unchanged. The caller must escape
// line breaks: a line break in an id, a name or data would begin another field.
//
// Failure posture: the package does not retry a failed write. It returns the error of an
// event, and passes the error of a keep-alive comment to a callback, so that the handler
// can end the stream.
package sse
