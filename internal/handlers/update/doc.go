// Package update has the operations on workflow updates: sending one, also together
// with the start of its workflow, and reading one.
//
// Trust boundary: requests come from [operation.Serve], which has authorised the
// caller and resolved the workflow that the request names. The ids of an update that
// the server returns decide which update a later call is for.
//
// Failure posture: the server keeps an update only once a worker has accepted it.
// Until then the gateway sends the same update again, under the same id, and a wait
// that ends before is an error. After that, a wait that ends is none.
package update
