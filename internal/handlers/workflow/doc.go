// Package workflow has the operations on workflows and their runs: start, list, count,
// describe, result, signal, query, cancel, terminate, reset, pause, delete, options.
//
// Trust boundary: requests come from [operation.Serve], which has authorised the
// caller and resolved the workflow that the request names. Bodies are validated before
// the first call.
//
// Failure posture: a write carries a request id, so that the server deduplicates it
// when it is repeated. The end of a wait, by its timeout or a drain, is not an error,
// because the caller can continue the wait. It is an error only if the gateway does not
// know yet whether the workflow exists.
package workflow
