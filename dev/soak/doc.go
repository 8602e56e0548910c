// Package soak sends regular and hostile traffic to a gateway in front of a real Temporal server for a given time, and
// checks that the only failures are documented problems, that memory does not grow, that no goroutine leaks, and that
// hostile callers hardly affect the latency of a regular caller.
package soak
