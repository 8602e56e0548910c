// Package sample holds workflows worth driving by hand, and worth testing a gateway with: one that looks like
// business (Order) and small ones that each show one thing a caller may meet (Echo, EchoPayload, Sleep, Wait, Fail,
// Chain).
//
// Callers are untrusted only in the sense that any input may arrive: a workflow fails with a message that says what was
// wrong with it. No input reaches anything outside Temporal.
//
// Workflows return the SDK's errors as they are: a wrapping would be one more link in the chain of failures that
// callers see.
package sample
