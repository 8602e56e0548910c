// Package scheduletest generates schedules for tests, against a fake server and against a
// real one.
package scheduletest
