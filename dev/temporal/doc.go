// Package temporal runs a real Temporal server inside the calling process, for development and for tests.
//
// The server keeps everything in memory, listens on loopback only and, unless Options.KeySources is set, lets every
// caller do everything: it holds nothing worth protecting and must never be reachable from another machine. The
// features that a production server leaves off and the limits that it keeps low are opened up, so that whatever the
// gateway offers can be tried against it.
package temporal
