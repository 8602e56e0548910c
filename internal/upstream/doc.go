// Package upstream calls Temporal servers. All doors call [Client.Invoke], with
// messages in the wire format. It applies the same steps to every call: principal,
// access table, the checks of package inspect, deadline, metadata, credential,
// retry.
//
// Trust boundary: Invoke fails closed. A call without a principal, with a method
// that is not in the access table, or with a namespace in the request, at any
// depth, other than the authorised one does not reach the network. Responses of
// the server are untrusted too: its errors become problems whose internal text is
// logged only, and its header metadata is dropped.
package upstream
