package problem

import "google.golang.org/grpc/status"

// Messages of the package chasm/lib/scheduler of the server, version 1.32.
const (
	messageScheduleMismatch = "mismatched conflict token"
	messageScheduleClosed   = "schedule closed"
)

// scheduleError replaces errors about a workflow by errors about a schedule. The server
// runs a schedule as a workflow, whose id the caller does not know.
func scheduleError(e *Error, st *status.Status) *Error {
	switch e.Code {
	case WorkflowNotFound, WorkflowCompleted:
		return New(ScheduleNotFound, "There is no schedule with this id.")
	case WorkflowAlreadyStarted:
		return New(ScheduleAlreadyExists, "A schedule with this id already exists.")
	case QueryFailed, QueryNotFound:
		return New(InvalidRequest, st.Message())
	case Conflict:
		switch st.Message() {
		case messageScheduleMismatch:
			return New(ScheduleChanged, "The schedule has changed.")
		case messageScheduleClosed:
			return New(ScheduleNotFound, "There is no schedule with this id.")
		}
	default:
	}
	return e
}
