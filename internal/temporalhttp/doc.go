// Package temporalhttp implements the Temporal HTTP API door. Its routes follow the
// google.api.http rules of Temporal's services, so that programs written for
// Temporal's own HTTP API work unchanged.
//
// Trust boundary: path, query, headers and body come from the caller. Package
// transcode converts them to wire bytes. Only these, the allowed metadata and the
// deadline are passed to package upstream, which guards the call.
//
// Failure posture: errors of the server keep their gRPC status. An error in the
// middle of a streamed response aborts the connection. The door retries nothing.
package temporalhttp
