// Package temporal has the OpenAPI documents of the Temporal HTTP API, the door
// for programs that were written for Temporal's own HTTP API. They are
// generated from the documents in the linked version of go.temporal.io/api.
//
// Trust boundary: none. The documents are fixed when the gateway is built.
package temporal
