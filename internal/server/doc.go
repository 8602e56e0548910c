// Package server puts the gateway together: its listeners, the order in which
// a request passes its checks, the routes of the doors, readiness and drain.
//
// Trust boundary: everything that arrives on the public listener is hostile
// until its credential is proved. What a client controls has a bound of size
// and of time here, before any door sees it. The admin listener shows causes
// and profiles; it belongs on a private network.
package server
