package convert

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/failure/v1"
	"go.temporal.io/api/history/v1"

	"github.com/flowgate/flowgate/internal/payload"
)

func TestEveryCloseEventHasAnOutcome(t *testing.T) {
	t.Parallel()
	one := &common.Payloads{Payloads: []*common.Payload{payload.FromJSON([]byte(`1`))}}
	for want, event := range map[string]*history.HistoryEvent{
		`{"workflowId":"","runId":"","status":"COMPLETED","newRunId":"next","result":1}`: {
			Attributes: &history.HistoryEvent_WorkflowExecutionCompletedEventAttributes{
				WorkflowExecutionCompletedEventAttributes: &history.WorkflowExecutionCompletedEventAttributes{Result: one, NewExecutionRunId: "next"},
			},
		},
		`{"workflowId":"","runId":"","status":"FAILED","failure":{"message":"no","kind":"application"}}`: {
			Attributes: &history.HistoryEvent_WorkflowExecutionFailedEventAttributes{
				WorkflowExecutionFailedEventAttributes: &history.WorkflowExecutionFailedEventAttributes{Failure: &failure.Failure{Message: "no"}},
			},
		},
		`{"workflowId":"","runId":"","status":"TIMED_OUT","failure":{"message":"Workflow timed out","kind":"timeout",
			"timeoutType":"START_TO_CLOSE","retryState":"TIMEOUT"}}`: {
			Attributes: &history.HistoryEvent_WorkflowExecutionTimedOutEventAttributes{
				WorkflowExecutionTimedOutEventAttributes: &history.WorkflowExecutionTimedOutEventAttributes{RetryState: enums.RETRY_STATE_TIMEOUT},
			},
		},
		`{"workflowId":"","runId":"","status":"CANCELED","failure":{"message":"Workflow cancelled","kind":"canceled","details":[1]}}`: {
			Attributes: &history.HistoryEvent_WorkflowExecutionCanceledEventAttributes{
				WorkflowExecutionCanceledEventAttributes: &history.WorkflowExecutionCanceledEventAttributes{Details: one},
			},
		},
		`{"workflowId":"","runId":"","status":"TERMINATED","failure":{"message":"Workflow terminated","kind":"terminated","identity":"me"}}`: {
			Attributes: &history.HistoryEvent_WorkflowExecutionTerminatedEventAttributes{
				WorkflowExecutionTerminatedEventAttributes: &history.WorkflowExecutionTerminatedEventAttributes{Identity: "me"},
			},
		},
		`{"workflowId":"","runId":"","status":"CONTINUED_AS_NEW","newRunId":"next"}`: {
			Attributes: &history.HistoryEvent_WorkflowExecutionContinuedAsNewEventAttributes{
				WorkflowExecutionContinuedAsNewEventAttributes: &history.WorkflowExecutionContinuedAsNewEventAttributes{NewExecutionRunId: "next"},
			},
		},
	} {
		got, err := Marshal(Outcome(event))
		require.NoError(t, err)
		require.JSONEq(t, want, string(got))
	}
	require.Nil(t, Outcome(&history.HistoryEvent{Attributes: &history.HistoryEvent_WorkflowExecutionPausedEventAttributes{}}))
}

func TestEveryClosedStatusHasAnOutcome(t *testing.T) {
	t.Parallel()
	for number := range enums.WorkflowExecutionStatus_name {
		status := enums.WorkflowExecutionStatus(number)
		switch status {
		case enums.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED, enums.WORKFLOW_EXECUTION_STATUS_RUNNING, enums.WORKFLOW_EXECUTION_STATUS_PAUSED:
			require.False(t, HasOutcome(status), status)
		default:
			require.True(t, HasOutcome(status), status)
		}
	}
}
