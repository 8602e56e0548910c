// Package sse writes streams of server-sent events (HTML standard, section
// 9.2, https://html.spec.whatwg.org/multipage/server-sent-events.html).
//
// Trust boundary: the package writes its input unchanged. The caller must escape
// line breaks: a line break in an id, a name or data would begin another field.
//
// Failure posture: a stream that cannot be written ends. The error is reported for
// the next event or the next keep-alive comment, whichever comes first.
package sse
