// Package stack runs all that one needs to try the gateway or to test it: a Temporal server and a sample worker inside
// the calling process, and gateways as processes of their own, started the way users start them.
//
// Everything listens on loopback only, with keys that everybody knows: a stack is for development and holds nothing
// worth protecting. What it started it stops, in the opposite order and within bounds, also when a start fails half-way.
package stack
