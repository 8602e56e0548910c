// Package upstream calls Temporal servers. All doors call [Client.Invoke], with
// messages in the wire format. Invoke takes every call through the same steps: it
// requires a principal, consults the access table, runs the checks of package
// inspect, sets the deadline, the metadata and the credential, and retries.
//
// Trust boundary: Invoke fails closed. A call without a principal, with a method
// that is not in the access table, or with a namespace in the request, at any
// depth, other than the authorised one does not reach the network. Responses from
// the server are untrusted too: errors become problems whose internal text is only
// logged, and header metadata is dropped.
package upstream
