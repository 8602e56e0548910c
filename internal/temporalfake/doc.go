// Package temporalfake provides fakes of a workflow on a Temporal server, for tests
// that run without a server.
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
//   - The outcome of a rejected update is a failure, like that of a failed update.
//     The server returns it to the waiting callers but does not store the update:
//     a later poll gets NOT_FOUND.
//   - A history poll of a paused run returns immediately, as for a closed run.
//
// The test TestTemporalFakesMatchTheServer in dev/e2e checks that a real server
// behaves in the same way. In a synctest bubble, the fakes run in virtual time.
package temporalfake
