// Package batch has the operations on batch jobs, which apply one operation to many
// workflows: start, list, describe, stop.
//
// Trust boundary: requests come from [operation.Serve], which has authorised the
// caller. Bodies are validated before the first call. The server runs a job as a
// workflow, and would stop any workflow with the id that a caller sends. So the gateway
// checks that the id is that of a job.
//
// Failure posture: before a job starts, the gateway counts the workflows that match its
// query. A job with an invalid query would start, and fail later without a reason.
package batch
