// Package sample contains workflows for trying and testing a gateway. Order resembles a business process. Echo,
// EchoPayload, Sleep, Wait, Fail, Chain, Approval and ObserveFailure each show one feature of Temporal. The programs in
// examples/ run the activities of Import and Purchase over HTTP, and create schedules of Report.
//
// Trust boundary: callers may send any input. A workflow with invalid input fails with a message that describes the
// error. The workflows and activities call nothing outside Temporal.
//
// Workflows return the SDK's errors unwrapped, because wrapping would add a failure to the chain of causes that callers
// receive.
package sample
