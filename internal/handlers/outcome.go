package handlers

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

// retryPending is the Retry-After of a wait that timed out.
const retryPending = time.Second

// outcomeOf reads a run's close event. NewRunID is set if the run has a successor.
// It returns nil for an event that is not a close event.
func outcomeOf(event *history.HistoryEvent) *openapi.Outcome {
	switch a := event.GetAttributes().(type) {
	case *history.HistoryEvent_WorkflowExecutionCompletedEventAttributes:
		o := &openapi.Outcome{Status: "COMPLETED", NewRunID: a.WorkflowExecutionCompletedEventAttributes.GetNewExecutionRunId()}
		o.Result, o.ResultPayload = firstPayload(a.WorkflowExecutionCompletedEventAttributes.GetResult())
		return o
	case *history.HistoryEvent_WorkflowExecutionFailedEventAttributes:
		return &openapi.Outcome{
			Status: "FAILED", NewRunID: a.WorkflowExecutionFailedEventAttributes.GetNewExecutionRunId(),
			Failure: renderFailure(a.WorkflowExecutionFailedEventAttributes.GetFailure()),
		}
	case *history.HistoryEvent_WorkflowExecutionTimedOutEventAttributes:
		return &openapi.Outcome{
			Status: "TIMED_OUT", NewRunID: a.WorkflowExecutionTimedOutEventAttributes.GetNewExecutionRunId(),
			Failure: &openapi.Failure{
				Kind: "timeout", Message: "Workflow timed out",
				TimeoutType: enumName(enums.TIMEOUT_TYPE_START_TO_CLOSE),
				RetryState:  enumName(a.WorkflowExecutionTimedOutEventAttributes.GetRetryState()),
			},
		}
	case *history.HistoryEvent_WorkflowExecutionCanceledEventAttributes:
		f := &openapi.Failure{Kind: "canceled", Message: "Workflow cancelled"}
		f.Details, f.DetailPayloads = renderPayloads(a.WorkflowExecutionCanceledEventAttributes.GetDetails())
		return &openapi.Outcome{Status: "CANCELED", Failure: f}
	case *history.HistoryEvent_WorkflowExecutionTerminatedEventAttributes:
		return terminatedOutcome(a.WorkflowExecutionTerminatedEventAttributes)
	case *history.HistoryEvent_WorkflowExecutionContinuedAsNewEventAttributes:
		return &openapi.Outcome{
			Status: "CONTINUED_AS_NEW", NewRunID: a.WorkflowExecutionContinuedAsNewEventAttributes.GetNewExecutionRunId(),
		}
	default:
		return nil
	}
}

func terminatedOutcome(attributes *history.WorkflowExecutionTerminatedEventAttributes) *openapi.Outcome {
	f := &openapi.Failure{Kind: "terminated", Message: attributes.GetReason(), Identity: attributes.GetIdentity()}
	if f.Message == "" {
		f.Message = "Workflow terminated"
	}
	f.Details, f.DetailPayloads = renderPayloads(attributes.GetDetails())
	return &openapi.Outcome{Status: "TERMINATED", Failure: f}
}

// isClosed reports whether a run with this status has an outcome.
func isClosed(status enums.WorkflowExecutionStatus) bool {
	switch status {
	case enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, enums.WORKFLOW_EXECUTION_STATUS_FAILED,
		enums.WORKFLOW_EXECUTION_STATUS_CANCELED, enums.WORKFLOW_EXECUTION_STATUS_TERMINATED,
		enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT, enums.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW:
		return true
	default:
		return false
	}
}

// outcomeResponse answers with an outcome. It is data, and so 200, unless the
// caller asked for another status on failures.
func outcomeResponse(o *openapi.Outcome, failureStatus *int) *response {
	a := okResponse(o)
	if failureStatus != nil && o.Failure != nil {
		a.status = *failureStatus
	}
	return a
}

// pendingResponse is the response to a wait that timed out, with the URL of the same
// wait.
func pendingResponse(namespace string, p openapi.Pending, want outcomeQuery) *response {
	p.Status = "RUNNING"
	query := url.Values{}
	if !want.followRuns {
		query.Set("followRuns", "false")
	}
	if want.followReset {
		query.Set("followReset", "true")
	}
	if want.failureStatus != nil {
		query.Set("failureStatus", strconv.Itoa(*want.failureStatus))
	}
	segment := idSegment(query, "workflowId", p.WorkflowID)
	return &response{
		status: http.StatusAccepted, body: p, retryAfter: retryPending,
		location: instancePath(namespace, segment+"/result", p.RunID, query),
	}
}

// workflowPath is the path of a workflow, or of what belongs to it. Ids that
// clients and proxies would fold are named by parameter.
func workflowPath(namespace, workflowID, rest, runID string) string {
	query := url.Values{}
	segment := idSegment(query, "workflowId", workflowID)
	return instancePath(namespace, segment+rest, runID, query)
}

// updatePath is the path of an update, and of its failure as the caller wants it.
func updatePath(namespace string, u *openapi.WorkflowUpdate, failureStatus *int) string {
	query := url.Values{}
	if failureStatus != nil {
		query.Set("failureStatus", strconv.Itoa(*failureStatus))
	}
	segments := idSegment(query, "workflowId", u.WorkflowID) + "/updates/" + idSegment(query, "updateId", u.UpdateID)
	return instancePath(namespace, segments, u.RunID, query)
}

// idSegment gives the path segment of an id, which may go into the query.
func idSegment(query url.Values, name, id string) string {
	if needsAlias(id) {
		query.Set(name, id)
		return aliasSegment
	}
	return url.PathEscape(id)
}

func instancePath(namespace, segments, runID string, query url.Values) string {
	if runID != "" {
		query.Set("runId", runID)
	}
	path := "/v1/namespaces/" + url.PathEscape(namespace) + "/workflows/" + segments
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path
}
