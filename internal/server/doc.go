// Package server assembles the gateway: its listeners, the middleware chain that
// every request passes, the routes of the doors, readiness and shutdown. chain.go is
// the place to start reading.
//
// Trust boundary: a request on the public listener is untrusted until its credential
// is verified. Everything that a client controls has a size limit and a time limit
// before the request reaches a door. The admin listener exposes causes of failures
// and profiles; it belongs on a private network.
//
// Failure posture: if a handler panics, the gateway responds with the status 500. A
// client that stops reading or writing is disconnected. On shutdown, every request in
// flight receives a response.
package server
