// Package upstreamtest has a fake Temporal server for tests: a real gRPC server in the
// test process, without a network. Tests set its responses and read the calls that it
// has received. It works in a synctest bubble if it is created in the bubble.
package upstreamtest
