// Package deploytest has what the tests of deploy/ share: the programs that they run, gateways as processes, and the
// addresses of the stack that runs the tests.
//
// Trust boundary: it runs on loopback with public API keys and must not be used outside tests. A test fails if a program
// or the stack is missing. It is not skipped.
package deploytest
