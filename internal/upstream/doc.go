// Package upstream makes the calls to the Temporal server. [Client.Invoke] is
// its one way in, on wire bytes, and every call of every door goes through the
// same chain there: principal, access table, namespace guard, deadline,
// metadata, credential, retry.
//
// Trust boundary: Invoke fails closed. A context without a principal, a method
// that the access table does not know, a namespace in the request (nested ones
// included) that is not the authorised one: none of them reaches the network.
// What the server answers is untrusted too: its errors become problems whose
// internal text stays in the log, and its header metadata goes nowhere.
package upstream
