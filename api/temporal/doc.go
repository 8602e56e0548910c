// Package temporal holds the OpenAPI documents of the Temporal HTTP API, the
// gateway's door for programs that were written for Temporal's own HTTP API.
// They are generated from those of the linked version of Temporal's API.
//
// Trust boundary: none. The documents are fixed when the gateway is built.
package temporal
