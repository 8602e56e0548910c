package problem

import (
	"slices"
	"strings"

	"go.temporal.io/api/errordetails/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Messages of the server about activities. The gRPC code and the details do not identify
// these errors. Version 1.32 of the server defines the messages in the packages
// chasm, chasm/lib/activity and service/history/consts.
const (
	messageActivityClosed     = "activity is in terminal state"
	messageActivityTransition = "invalid transition"
	messageActivityTerminated = "already terminated with request ID"
	messageNotCancelRequested = "unable to mark activity as canceled without activity being request canceled first"
	workflowNotFoundPrefix    = "workflow not found for ID"
	runNotFoundPrefix         = "workflow execution not found for workflow ID"
)

// isActivityMethod reports whether a method is about one activity: a report of a worker, or
// a call about an activity without a workflow.
func isActivityMethod(method string) bool {
	return isActivityReport(method) || strings.HasSuffix(method, "ActivityExecution")
}

// isActivityReport reports whether a method reports the progress or the end of an activity.
func isActivityReport(method string) bool {
	return strings.HasPrefix(method, "RecordActivityTaskHeartbeat") || strings.HasPrefix(method, "RespondActivityTask")
}

// activityError replaces errors about a workflow by errors about an activity. A report about
// the activity of a workflow keeps the errors about that workflow.
func activityError(e *Error, st *status.Status, method string) *Error {
	report := isActivityReport(method)
	switch {
	case e.Code == WorkflowNotFound && report && hasPrefix(st.Message(), workflowNotFoundPrefix, runNotFoundPrefix):
		return e
	case e.Code == WorkflowNotFound && report:
		return New(ActivityNotFound, "No activity with this id or task token is open, or another attempt has started.")
	case e.Code == WorkflowNotFound:
		return New(ActivityNotFound, "There is no activity with this id and run.")
	case st.Code() == codes.AlreadyExists && !report:
		return activityAlreadyExists(e, st)
	case st.Code() == codes.InvalidArgument && st.Message() == messageNotCancelRequested:
		return New(Conflict, "The cancellation of the activity has not been requested.")
	case st.Code() == codes.FailedPrecondition &&
		hasPrefix(st.Message(), messageActivityClosed, messageActivityTransition, messageActivityTerminated):
		return New(ActivityCompleted, "The activity has already completed.")
	default:
		return e
	}
}

func activityAlreadyExists(e *Error, st *status.Status) *Error {
	detail, ok := firstDetail(st).(*errordetails.ActivityExecutionAlreadyStartedFailure)
	if !ok {
		return e
	}
	e = New(ActivityAlreadyStarted, "An activity with this id has already been started.")
	e.Members.RunID = detail.GetRunId()
	return e
}

func hasPrefix(message string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(message, prefix) })
}
