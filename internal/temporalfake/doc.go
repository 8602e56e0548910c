// Package temporalfake has fakes of a workflow on a Temporal server, for tests
// without one.
//
// Each fake registers handlers on an [upstreamtest.Server]. A test changes the
// state of the workflow, and the fake responds to calls with the semantics and
// the timing of the real server:
//
//   - A long poll for history ends with an empty page and a next page token
//     after 20 s ([LongPoll]), or one second before the caller's deadline
//     ([DeadlineMargin]).
//   - A wait for an update ends after 20 s with the stage that the update has
//     reached. A caller whose deadline comes first gets DEADLINE_EXCEEDED.
//   - A rejected update has the outcome of a failed one. The server returns it
//     to the waiting callers and does not store it: a later poll gets NOT_FOUND.
//   - A history poll of a paused run returns immediately, as for a closed run.
//
// The test TestTemporalFakesMatchTheServer in dev/e2e checks the same behaviour of
// the real server. In a synctest bubble, the fakes run in virtual time.
package temporalfake
