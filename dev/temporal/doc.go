// Package temporal runs a real Temporal server in the calling process, for development and tests.
//
// Trust boundary: the server keeps its data in memory and listens only on loopback. Unless Options.KeySources is set,
// it authorises every caller, so it must not be reachable from another machine. Features that are off by default are
// on, and limits are raised, so that all features of the gateway can be tried.
package temporal
