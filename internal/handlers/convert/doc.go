// Package convert converts between the JSON types of the client API and Temporal's
// protobuf messages: request bodies to requests, responses to response bodies, and
// ids to URLs and back. A conversion that only one resource needs is in the package of
// that resource.
//
// Trust boundary: request bodies are the caller's. They are decoded strictly before
// they are converted. Each field is validated here, or passed on byte for byte if it is
// the caller's own data. A [Validation] collects the errors of a request, up to a
// maximum number. The fields that the gateway itself is responsible for, such as the
// namespace and the identity, come from a [Stamp], never from a body. Responses come
// from the Temporal server. The payloads in them are workers' data, and are passed on
// without interpretation.
package convert
