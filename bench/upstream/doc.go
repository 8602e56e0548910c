// Package upstream is a fake Temporal server that responds immediately with precomputed bytes, so that the measured cost
// is that of the gateway in front of it. It implements only the RPCs of the bench.
//
// Trust boundary: it trusts every caller and listens only on the loopback interface.
package upstream
