// Package history has the operation that reads a workflow's history. It returns a page of
// events as JSON, all existing events as NDJSON, or existing and future events as
// server-sent events.
//
// Trust boundary: requests come from [operation.Serve], which has authorised the
// caller and resolved the workflow that the request names. The event id from which a
// stream resumes is input of the caller: it must be one that the same stream could have
// sent. The payloads in events are workers' data and are passed on without
// interpretation.
//
// Failure posture: an error before the first event is a problem with its own status. A
// later error closes the connection, so that a truncated stream never looks complete. A
// stream holds a wait slot as long as it lasts, and a read slot and memory only while
// it fetches and writes a page.
// It ends after an hour, when the credential expires, and on a drain; the client
// continues it on any replica.
package history
