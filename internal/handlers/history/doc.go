// Package history has the operation on workflow histories: a page of events, all events
// as lines, or the events as they happen as server-sent events.
//
// Trust boundary: requests come from [operation.Serve], which has authorised the
// caller and resolved the workflow that the request names. A position to continue
// from is the caller's: it has to be one that the same stream has sent. Events are
// workers' data and are passed on without interpretation.
//
// Failure posture: an error before the first event has a status. After that it closes
// the connection, so that a stream never looks complete when it is not. A stream holds
// a wait slot while it lasts, and a read slot and bytes only while it fetches a page.
// It ends after an hour, when the credential expires, and on a drain; the client
// continues it on any replica.
package history
