// Package server assembles the gateway: its listeners, the middleware chain that
// every request passes, the routes of the doors, readiness and shutdown. chain.go is
// the place to start reading.
//
// Trust boundary: everything that arrives on the public listener is untrusted until
// its credential is verified. Everything that a client controls has a limit of size
// and of time here, before a door sees it. The admin listener exposes causes and
// profiles; it belongs on a private network.
package server
