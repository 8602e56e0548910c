// Package workflow has the operations on workflows and their runs: start, list, count,
// describe, result, signal, query, cancel, terminate, reset, pause, delete, options.
//
// Trust boundary: requests come from [operation.Serve], which has authorised the
// caller and resolved the workflow that the request names. Bodies are validated before
// the first call.
//
// Failure posture: a write carries a request id, so that the server deduplicates it
// when it is repeated. A wait that ends because of its time or of a drain is not an
// error, because its caller can continue it, unless it is still unknown whether the
// workflow exists.
package workflow
