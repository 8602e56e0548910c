// Package upstreamtest is a Temporal server for tests: a real gRPC server, in
// process and without a network, that answers what a test tells it to and
// remembers what it was asked. It works inside a synctest bubble when it is
// made there.
package upstreamtest
