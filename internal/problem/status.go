package problem

import (
	"errors"
	"strings"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/errordetails/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Messages by which to distinguish server errors that have the same gRPC code and the
// same type of detail. Version 1.32 of the server defines them in the packages
// service/history/consts and common.
const (
	messageAlreadyCompleted = "workflow execution already completed"
	messageOtherChain       = "workflow execution not found"
	updatePrefix            = `update "` // followed by the update id
	updateSuffix            = `" not found`
	messageClosing          = "workflow update was aborted by closing workflow"
	messageBlobTooLarge     = "Blob data size exceeds limit"
	messageTooLarge         = "larger than max" // from the gRPC library of the server
)

// messageStreamReset is the prefix of grpc-go's message for a stream that was
// reset.
const messageStreamReset = "stream terminated by RST_STREAM"

// messageNotGRPC is the prefix of grpc-go's message for a response that is not gRPC. The
// rest of the message is the body of that response, which comes from a proxy and not
// from the server.
const messageNotGRPC = "unexpected HTTP status code received from server"

// FromStatus converts the status that the upstream returned for a method to an
// [Error]. The method is the short name, such as QueryWorkflow.
func FromStatus(st *status.Status, method string) *Error {
	if strings.HasPrefix(st.Message(), messageNotGRPC) && !isWithheld(st.Code()) {
		st = status.New(codes.Unknown, st.Message())
	}
	e := fromStatus(st, method)
	switch {
	case strings.HasSuffix(method, "BatchOperation"):
		e = batchError(e)
	case strings.Contains(method, "WorkerDeployment"):
		e = deploymentError(e, st)
	}
	if isActivityMethod(method) {
		e = activityError(e, st, method)
	}
	if strings.Contains(method, "Schedule") {
		e = scheduleError(e, st)
	}
	e.Upstream = st
	if e.cause == nil {
		e.cause = st.Err()
	}
	return e
}

func fromStatus(st *status.Status, method string) *Error {
	if detail := busyDetail(st); detail != "" {
		return New(WorkflowBusy, detail)
	}
	switch st.Code() {
	case codes.InvalidArgument:
		return fromInvalidArgument(st)
	case codes.NotFound:
		return fromNotFound(st, method)
	case codes.AlreadyExists:
		return fromAlreadyExists(st)
	case codes.FailedPrecondition:
		return fromFailedPrecondition(st)
	case codes.Aborted:
		return fromAborted(st)
	case codes.OutOfRange:
		return New(InvalidRequest, st.Message())
	case codes.PermissionDenied:
		return New(PermissionDenied, st.Message())
	case codes.Unauthenticated:
		return New(UpstreamAuthFailed, "The Temporal server rejected the gateway's credential.")
	case codes.ResourceExhausted:
		return fromResourceExhausted(st)
	case codes.Unimplemented:
		return New(NotOfferedByServer, "The Temporal server does not offer this operation.")
	case codes.Unavailable:
		return New(UpstreamUnavailable, "The Temporal server cannot be reached at the moment.")
	case codes.DeadlineExceeded:
		return fromDeadline(method)
	case codes.Canceled:
		return New(UpstreamUnavailable, "The call was interrupted before the Temporal server responded.")
	default: // Internal, Unknown, DataLoss: their messages may contain internal details.
		return New(UpstreamError, "The Temporal server failed to handle the request.")
	}
}

func fromFailedPrecondition(st *status.Status) *Error {
	if _, ok := firstDetail(st).(*errordetails.WorkflowNotReadyFailure); ok {
		return New(WorkflowNotReady, st.Message())
	}
	return New(Conflict, st.Message())
}

// fromAborted returns a retryable code for an update-with-start whose workflow closed: a
// repeated request starts or finds another run.
func fromAborted(st *status.Status) *Error {
	if st.Message() == messageClosing {
		return New(WorkflowNotReady, "The workflow closed before the update reached it.")
	}
	return New(Conflict, st.Message())
}

func fromDeadline(method string) *Error {
	if method == "QueryWorkflow" {
		return New(QueryTimeout, "No worker answered the query in time. Is one polling the workflow's task queue?")
	}
	return New(DeadlineExceeded, "The Temporal server did not respond in time.")
}

func fromInvalidArgument(st *status.Status) *Error {
	if _, ok := firstDetail(st).(*errordetails.QueryFailedFailure); ok {
		if isUnknownQuery(st.Message()) {
			return New(QueryNotFound, st.Message())
		}
		return New(QueryFailed, st.Message())
	}
	if strings.Contains(st.Message(), messageBlobTooLarge) {
		return New(PayloadTooLarge, st.Message())
	}
	return New(InvalidRequest, st.Message())
}

// isUnknownQuery reports whether a worker returned the message because the workflow has
// no handler for the query. The texts come from the SDKs for Go and PHP, for Java, for
// TypeScript, and from those based on sdk-core, in this order.
func isUnknownQuery(message string) bool {
	for _, text := range []string{
		"unknown queryType", "Unknown query type", "did not register a handler for", "expected but not found",
	} {
		if strings.Contains(message, text) {
			return true
		}
	}
	return false
}

func fromNotFound(st *status.Status, method string) *Error {
	switch detail := firstDetail(st).(type) {
	case *errordetails.NamespaceNotFoundFailure:
		return Newf(NamespaceNotFound, "The Temporal server has no namespace %q.", detail.GetNamespace())
	default:
	}
	switch {
	case method == "PollWorkflowExecutionUpdate" && strings.HasPrefix(st.Message(), updatePrefix) && strings.HasSuffix(st.Message(), updateSuffix):
		return New(UpdateNotFound, st.Message()) // must come first: the message quotes the update id, which may contain the text of another case
	case strings.Contains(st.Message(), messageAlreadyCompleted), st.Message() == messageClosing:
		return New(WorkflowCompleted, "The workflow has already completed.")
	case st.Message() == messageOtherChain && hasFirstExecutionRunID(method):
		return New(RunChainMismatch, "The workflow id belongs to another run chain than firstExecutionRunId.")
	default:
		return New(WorkflowNotFound, st.Message())
	}
}

// IsWorkflowClosing reports whether an update failed because the run closed before it
// accepted the update. The workflow may continue in another run.
func IsWorkflowClosing(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Upstream.Message() == messageClosing
}

// hasFirstExecutionRunID reports whether the request of a method has the
// field first_execution_run_id.
func hasFirstExecutionRunID(method string) bool {
	switch method {
	case "RequestCancelWorkflowExecution", "TerminateWorkflowExecution", "UpdateWorkflowExecution":
		return true
	default:
		return false
	}
}

func fromAlreadyExists(st *status.Status) *Error {
	if _, ok := firstDetail(st).(*errordetails.NamespaceAlreadyExistsFailure); ok {
		return New(NamespaceAlreadyExists, "A namespace with this name already exists.")
	}
	detail, ok := firstDetail(st).(*errordetails.WorkflowExecutionAlreadyStartedFailure)
	if !ok {
		return New(Conflict, st.Message())
	}
	e := New(WorkflowAlreadyStarted, "A workflow with this id has already been started.")
	e.Members.RunID = detail.GetRunId()
	e.Members.FirstExecutionRunID = detail.GetFirstExecutionRunId()
	return e
}

func fromResourceExhausted(st *status.Status) *Error {
	if strings.HasPrefix(st.Message(), "grpc: ") && strings.Contains(st.Message(), messageTooLarge) {
		return New(PayloadTooLarge, "The request is larger than the Temporal server accepts.")
	}
	if strings.HasPrefix(st.Message(), messageStreamReset) { // the server reset the stream with ENHANCE_YOUR_CALM, which does not depend on the namespace
		return New(UpstreamOverloaded, "The Temporal server is overloaded.")
	}
	detail, _ := firstDetail(st).(*errordetails.ResourceExhaustedFailure)
	switch detail.GetCause() {
	case enums.RESOURCE_EXHAUSTED_CAUSE_SYSTEM_OVERLOADED,
		enums.RESOURCE_EXHAUSTED_CAUSE_PERSISTENCE_LIMIT,
		enums.RESOURCE_EXHAUSTED_CAUSE_CIRCUIT_BREAKER_OPEN:
		return New(UpstreamOverloaded, "The Temporal server is overloaded.")
	default:
	}
	if detail.GetScope() == enums.RESOURCE_EXHAUSTED_SCOPE_SYSTEM {
		return New(UpstreamOverloaded, "The Temporal server is overloaded.")
	}
	return New(RateLimited, "The namespace has reached its rate limit.")
}

// firstDetail returns the first detail, or nil if there is none. Temporal's SDKs read
// only the first one.
func firstDetail(st *status.Status) any {
	if details := st.Details(); len(details) > 0 {
		return details[0]
	}
	return nil
}

// isWithheld reports whether the message and the details of a status with the given code
// are for the log only. They may name addresses, tables and files of the upstream. It
// returns true for unknown codes.
func isWithheld(code codes.Code) bool {
	switch code {
	case codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.PermissionDenied, codes.ResourceExhausted,
		codes.FailedPrecondition, codes.Aborted, codes.OutOfRange, codes.Unimplemented:
		return false
	default:
		return true
	}
}
