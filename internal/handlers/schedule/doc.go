// Package schedule has the operations on schedules, which start workflows at the times of
// calendars, intervals and cron expressions.
//
// Trust boundary: requests come from [operation.Serve], which has authorised the caller.
// Bodies are validated by the rules of the server before the first call. The workflow
// type and the task queue of a schedule are in the request, where package upstream checks
// them for a caller that is limited to some. What the server returns may have been written
// by any other client.
//
// Failure posture: the server drops an update that lost a race, and reports success. So
// every update names the state that it replaces, is followed by a read that shows whether
// it was applied, and fails otherwise.
package schedule
