package problem

import (
	"strings"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/errordetails/v1"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Messages of the server for a workflow with too many calls in flight. The gRPC code and
// the details do not identify these errors, because other errors have the same ones.
// Version 1.32 of the server defines the messages in the packages
// service/history/workflow/update and service/history/consts.
const (
	messageUpdatesFull   = "limit on number of concurrent in-flight updates has been reached"
	messageUpdatesLarge  = "limit on total payload size of in-flight updates has been reached"
	messageUpdateDropped = "workflow update was aborted"
	messageQueryDropped  = "buffered query cleared"

	detailBusy         = "The workflow is busy. It receives more calls than the Temporal server can process for one workflow."
	detailUpdatesFull  = "The workflow has reached the Temporal server's limit of updates in flight for one workflow."
	detailUpdatesLarge = "The workflow has reached the Temporal server's limit of the total size of updates in flight for one workflow."
	detailDropped      = "The Temporal server dropped the call, because the workflow receives more calls than it can process."
)

// IsWorkflowBusy reports whether the server rejected or dropped a call because one
// workflow receives too many calls. Such an error does not depend on the health of the
// server, so it must not affect calls for other workflows.
func IsWorkflowBusy(st *status.Status) bool { return busyDetail(st) != "" }

// IsRefused reports whether the server has refused a call because of its load or of a
// rate limit, so that the call had no effect. Such a status has the server's detail: one
// without it may come from a proxy, or from a stream that was reset after the server
// received the call.
func IsRefused(st *status.Status) bool {
	st = failedOperation(st)
	_, ok := firstDetail(st).(*errordetails.ResourceExhaustedFailure)
	return ok && st.Code() == codes.ResourceExhausted || busyOperationDetail(st) != ""
}

// IsUpdateLimitExceeded reports whether an update was rejected because the workflow has reached
// the limit of updates in flight. With each such rejection, the server drops the updates
// of the workflow that no worker has accepted yet. So an early retry harms other updates.
func IsUpdateLimitExceeded(st *status.Status) bool {
	detail := busyDetail(st)
	return detail == detailUpdatesFull || detail == detailUpdatesLarge
}

// busyDetail returns the detail for a status that concerns one busy workflow,
// and an empty string for any other status.
func busyDetail(st *status.Status) string { return busyOperationDetail(failedOperation(st)) }

// failedOperation returns the status of the operation of an update-with-start that failed,
// because the status of the call has a generic message. It returns any other status as it
// is.
func failedOperation(st *status.Status) *status.Status {
	if operations, ok := firstDetail(st).(*errordetails.MultiOperationExecutionFailure); ok {
		for _, operation := range operations.GetStatuses() {
			if codes.Code(operation.GetCode()) == st.Code() { //nolint:gosec // a gRPC code
				return OperationStatus(operation)
			}
		}
	}
	return st
}

func busyOperationDetail(st *status.Status) string {
	switch st.Code() {
	case codes.ResourceExhausted:
		detail, _ := firstDetail(st).(*errordetails.ResourceExhaustedFailure)
		switch {
		case strings.HasPrefix(st.Message(), messageUpdatesFull):
			return detailUpdatesFull
		case strings.HasPrefix(st.Message(), messageUpdatesLarge):
			return detailUpdatesLarge
		case detail.GetCause() == enums.RESOURCE_EXHAUSTED_CAUSE_BUSY_WORKFLOW:
			return detailBusy
		}
	case codes.Unavailable:
		if st.Message() == messageUpdateDropped || strings.HasPrefix(st.Message(), messageQueryDropped) {
			return detailDropped
		}
	default:
	}
	return ""
}

// OperationStatus returns the status of one operation of a multi-operation.
func OperationStatus(operation *errordetails.MultiOperationExecutionFailure_OperationStatus) *status.Status {
	return status.FromProto(&spb.Status{Code: operation.GetCode(), Message: operation.GetMessage(), Details: operation.GetDetails()})
}
