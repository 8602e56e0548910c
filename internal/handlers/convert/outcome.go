package convert

import (
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

// Outcome returns the outcome that a close event records. NewRunID is set if the
// run has a successor. Outcome returns nil for an event of another type.
func Outcome(event *history.HistoryEvent) *openapi.Outcome {
	switch a := event.GetAttributes().(type) {
	case *history.HistoryEvent_WorkflowExecutionCompletedEventAttributes:
		o := &openapi.Outcome{Status: "COMPLETED", NewRunID: a.WorkflowExecutionCompletedEventAttributes.GetNewExecutionRunId()}
		o.Result, o.ResultPayload = FirstPayload(a.WorkflowExecutionCompletedEventAttributes.GetResult())
		return o
	case *history.HistoryEvent_WorkflowExecutionFailedEventAttributes:
		return &openapi.Outcome{
			Status: "FAILED", NewRunID: a.WorkflowExecutionFailedEventAttributes.GetNewExecutionRunId(),
			Failure: Failure(a.WorkflowExecutionFailedEventAttributes.GetFailure()),
		}
	case *history.HistoryEvent_WorkflowExecutionTimedOutEventAttributes:
		return &openapi.Outcome{
			Status: "TIMED_OUT", NewRunID: a.WorkflowExecutionTimedOutEventAttributes.GetNewExecutionRunId(),
			Failure: &openapi.Failure{
				Kind: "timeout", Message: "Workflow timed out",
				TimeoutType: EnumName(enums.TIMEOUT_TYPE_START_TO_CLOSE),
				RetryState:  EnumName(a.WorkflowExecutionTimedOutEventAttributes.GetRetryState()),
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

// HasOutcome reports whether a run with this status has an outcome.
func HasOutcome(status enums.WorkflowExecutionStatus) bool {
	switch status {
	case enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, enums.WORKFLOW_EXECUTION_STATUS_FAILED,
		enums.WORKFLOW_EXECUTION_STATUS_CANCELED, enums.WORKFLOW_EXECUTION_STATUS_TERMINATED,
		enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT, enums.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW:
		return true
	default:
		return false
	}
}
