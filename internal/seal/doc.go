// Package seal signs what the gateway returns to callers and later receives
// from them: page tokens, and delegated tokens.
//
// Trust boundary: a sealed text is untrusted until it has been opened. It is
// bound to a scope, so that a text that was sealed for one purpose, caller or
// namespace is not valid for another. Failure posture: closed. A text that was
// not sealed by one of the keys, in the same scope, is rejected.
package seal
