package problem

import (
	"strings"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/errordetails/v1"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Texts by which the server tells that one workflow has too much in flight: its
// other errors have the same codes and details. They are those of the server's
// service/history/workflow/update and service/history/consts packages at 1.32.
const (
	messageUpdatesFull   = "limit on number of concurrent in-flight updates has been reached"
	messageUpdatesLarge  = "limit on total payload size of in-flight updates has been reached"
	messageUpdateDropped = "workflow update was aborted"
	messageQueryDropped  = "buffered query cleared"

	detailBusy         = "The workflow has too much to do at the moment."
	detailUpdatesFull  = "The workflow has as many updates in flight as the Temporal server takes for one workflow."
	detailUpdatesLarge = "The workflow's updates in flight are as large, all together, as the Temporal server takes for one workflow."
	detailDropped      = "The Temporal server dropped the call, as it does with those that wait when their workflow gets more than it takes."
)

// IsWorkflowBusy reports whether a failure is about one workflow alone: it tells
// nothing of the server, and others should not pay for it.
func IsWorkflowBusy(st *status.Status) bool { return busyDetail(st) != "" }

// IsUpdateLimit reports whether an update was refused because its workflow has
// as many in flight as it may. With every such refusal the server drops those of
// the workflow's updates that no worker has accepted yet, so that to try again
// soon does harm.
func IsUpdateLimit(st *status.Status) bool {
	detail := busyDetail(st)
	return detail == detailUpdatesFull || detail == detailUpdatesLarge
}

// busyDetail says for callers what is with the one workflow that a status is
// about; nothing when it is about something else. Of an update with start, which
// has words of its own, it looks at the operation that failed.
func busyDetail(st *status.Status) string {
	if operations, ok := firstDetail(st).(*errordetails.MultiOperationExecutionFailure); ok {
		for _, operation := range operations.GetStatuses() {
			if codes.Code(operation.GetCode()) == st.Code() { //nolint:gosec // a code of gRPC's
				return busyOperationDetail(OperationStatus(operation))
			}
		}
	}
	return busyOperationDetail(st)
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

// OperationStatus is the status of one operation of several.
func OperationStatus(operation *errordetails.MultiOperationExecutionFailure_OperationStatus) *status.Status {
	return status.FromProto(&spb.Status{Code: operation.GetCode(), Message: operation.GetMessage(), Details: operation.GetDetails()})
}
