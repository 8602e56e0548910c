// Package update has the operations on workflow updates: sending one, also together
// with the start of its workflow, and reading one.
//
// Trust boundary: requests come from [operation.Serve], which has authorised the
// caller and resolved the workflow that the request names. Bodies are validated before
// the first call.
//
// Failure posture: the server keeps an update only once a worker has accepted it.
// Until then the gateway sends the same update again, under the same id, and a wait
// that times out is an error. After that, a wait that times out is not.
package update
