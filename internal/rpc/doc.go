// Package rpc holds the doors for programs that know Temporal's RPCs: the
// Temporal HTTP API, routed by the google.api.http rules of its services. A
// program written for Temporal's own HTTP API works here as it is.
//
// Trust boundary: path, query, headers and body are the caller's. They become
// wire bytes by package transcode, and nothing but those, the allowed metadata
// and the deadline goes on to package upstream, which guards the call.
package rpc
