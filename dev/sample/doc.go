// Package sample contains workflows to try and to test a gateway with: Order resembles a business process, and Echo,
// EchoPayload, Sleep, Wait, Fail and Chain each have one feature that callers encounter.
//
// Trust boundary: callers may send any input. A workflow with invalid input fails with a message that describes the
// error. No input reaches anything outside Temporal.
//
// Workflows return errors of the SDK unwrapped, because wrapping would add a failure to the chain of causes that
// callers see.
package sample
