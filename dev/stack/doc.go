// Package stack runs everything needed to try or test the gateway: a Temporal server and a sample worker in the calling
// process, and gateways as separate processes, started with the same command as in production.
//
// Trust boundary: all listeners are on loopback, and the API keys are public. A stack is for development and contains
// no data to protect. It stops everything that it started, in reverse order and within a time limit, even if the start
// fails.
package stack
