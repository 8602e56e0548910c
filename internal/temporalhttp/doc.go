// Package temporalhttp is the Temporal HTTP API door, for programs written for
// Temporal's own HTTP API. Routes follow the google.api.http rules of Temporal's
// services, and a program works here unchanged.
//
// Trust boundary: path, query, headers and body are the caller's. Package
// transcode converts them to wire bytes, and nothing but those, the allowed
// metadata and the deadline goes on to package upstream, which guards the call.
package temporalhttp
