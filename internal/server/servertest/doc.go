// Package servertest runs a complete gateway in a test.
//
// [Start] runs [server.Run] with in-memory connections on both sides: the test sends HTTP
// requests as a caller, and an [upstreamtest.Server] takes the place of
// Temporal. Package temporalfake has handlers for that server that behave as
// Temporal does. A gateway that is started inside a synctest bubble runs in
// virtual time, so that a test can assert exact durations.
//
// The package is for tests of the gateway and of its doors. Nothing else may
// import it: its keys and tokens are public.
package servertest
