// Package upstream is a fake Temporal server. It responds immediately with precomputed bytes, so that it uses little
// CPU time on the machine that it shares with the measured targets. It implements only the RPCs that the bench calls.
//
// Trust boundary: it trusts every caller and listens only on the loopback interface.
package upstream
