// Package convert converts between the JSON types of the client API and Temporal's
// protobuf messages: request bodies to requests, responses to response bodies, and
// ids to URLs and back. What one resource alone needs is in that resource's package.
//
// Trust boundary: request bodies are the caller's. They are decoded strictly before
// they get here, and each field is validated here, or passed on byte for byte where
// it is the caller's own data. A [Validation] collects all errors of a request,
// within a bound. Whatever the gateway vouches for
// itself, such as the namespace and the identity, comes from a [Stamp], never from
// a body. Responses are the Temporal server's: payloads in them are a worker's data,
// which is never interpreted, only passed on.
package convert
