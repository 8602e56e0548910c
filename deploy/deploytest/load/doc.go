// Package load has the clients that tests send through a load balancer: each behaves as the guide instructs callers, and
// none repeats a call that failed, unless it says so.
//
// Trust boundary: it runs in tests only, against a stack on loopback.
package load
