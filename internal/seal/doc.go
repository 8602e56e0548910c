// Package seal signs what the gateway gives its callers to bring back: page
// tokens, and tokens that a caller hands on.
//
// Trust boundary: a sealed text comes from anybody until it has been opened. It
// is bound to a scope, so that what was sealed for one purpose, caller or
// namespace is worth nothing for another. Failure posture: closed; whatever was
// not sealed by one of the keys, in this scope, is nothing.
package seal
