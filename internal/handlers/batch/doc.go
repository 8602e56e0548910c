// Package batch has the operations on batch jobs, which apply one operation to many
// workflows: start, list, describe, stop.
//
// Trust boundary: requests come from [operation.Serve], which has authorised the
// caller. Bodies are validated before the first call. The server runs a job as a
// workflow and would stop any workflow by its id, so the gateway stops only what is a
// job.
//
// Failure posture: a query is counted before a job starts, because a job with an
// invalid one would fail later and without a reason.
package batch
