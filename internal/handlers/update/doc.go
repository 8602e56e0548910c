// Package update has the operations on workflow updates: send an update, start a
// workflow and send it an update, read an update.
//
// Trust boundary: requests come from [operation.Serve], which has authorised the
// caller and resolved the workflow that the request names. Bodies are validated before
// the first call.
//
// Failure posture: the server persists an update only when a worker accepts it. Until
// then the gateway repeats the update with the same id, and returns an error if the
// wait times out. Once the update is accepted, a wait that times out is not an error.
package update
