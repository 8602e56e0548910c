// Package sse writes streams of server-sent events (HTML standard, section
// 9.2, https://html.spec.whatwg.org/multipage/server-sent-events.html).
//
// Trust boundary: the package writes what its caller passes. The caller escapes
// line breaks; a line break in an id, a name or data would begin another field.
//
// Failure posture: a stream that cannot be written ends. Its writer learns of
// it from the next event or the next keep-alive comment, whichever is first.
package sse
