// Package stack runs everything needed to try or test the gateway: a Temporal server and a sample worker in the calling
// process, and gateways as separate processes, started as users start them.
//
// Trust boundary: everything listens only on loopback, with keys that are public. A stack is for development and
// contains no data to protect. It stops everything that it started, in reverse order and in bounded time, even if the
// start fails.
package stack
