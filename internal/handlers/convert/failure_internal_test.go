package convert

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/failure/v1"
)

func TestAFailureIncludesItsCauses(t *testing.T) {
	t.Parallel()
	rendered := Failure(&failure.Failure{
		Message: "activity error",
		FailureInfo: &failure.Failure_ActivityFailureInfo{ActivityFailureInfo: &failure.ActivityFailureInfo{
			ActivityId: "5", ActivityType: &common.ActivityType{Name: "Charge"}, RetryState: enums.RETRY_STATE_NON_RETRYABLE_FAILURE,
		}},
		Cause: &failure.Failure{
			Message: "Encoded failure",
			EncodedAttributes: &common.Payload{
				Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(`{"message":"declined","stack_trace":"at x"}`),
			},
			FailureInfo: &failure.Failure_ApplicationFailureInfo{ApplicationFailureInfo: &failure.ApplicationFailureInfo{
				Type: "PaymentDeclined", NonRetryable: true, Details: &common.Payloads{Payloads: []*common.Payload{
					{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(`{"code":51}`)},
				}},
			}},
		},
	})
	got, err := Marshal(rendered)
	require.NoError(t, err)
	require.JSONEq(t, `{"message":"activity error","kind":"activity","activityId":"5","activityType":"Charge",
		"retryState":"NON_RETRYABLE_FAILURE","cause":{"message":"declined","stackTrace":"at x","kind":"application",
		"type":"PaymentDeclined","nonRetryable":true,"details":[{"code":51}]}}`, string(got))
}

func TestEveryFailureHasAKind(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]*failure.Failure{
		`{"message":"","kind":"application"}`: {},
		`{"message":"","kind":"timeout","timeoutType":"HEARTBEAT"}`: {FailureInfo: &failure.Failure_TimeoutFailureInfo{
			TimeoutFailureInfo: &failure.TimeoutFailureInfo{TimeoutType: enums.TIMEOUT_TYPE_HEARTBEAT},
		}},
		`{"message":"","kind":"canceled","identity":"me"}`: {FailureInfo: &failure.Failure_CanceledFailureInfo{
			CanceledFailureInfo: &failure.CanceledFailureInfo{Identity: "me"},
		}},
		`{"message":"","kind":"terminated","identity":"me"}`: {FailureInfo: &failure.Failure_TerminatedFailureInfo{
			TerminatedFailureInfo: &failure.TerminatedFailureInfo{Identity: "me"},
		}},
		`{"message":"","kind":"server","nonRetryable":true}`: {FailureInfo: &failure.Failure_ServerFailureInfo{
			ServerFailureInfo: &failure.ServerFailureInfo{NonRetryable: true},
		}},
		`{"message":"","kind":"reset"}`: {FailureInfo: &failure.Failure_ResetWorkflowFailureInfo{}},
		`{"message":"","kind":"childWorkflow","namespace":"n","workflowType":"T","workflowId":"w","runId":"r","initiatedEventId":5,"startedEventId":6}`: {
			FailureInfo: &failure.Failure_ChildWorkflowExecutionFailureInfo{ChildWorkflowExecutionFailureInfo: &failure.ChildWorkflowExecutionFailureInfo{
				Namespace: "n", WorkflowType: &common.WorkflowType{Name: "T"},
				WorkflowExecution: &common.WorkflowExecution{WorkflowId: "w", RunId: "r"}, InitiatedEventId: 5, StartedEventId: 6,
			}},
		},
		`{"message":"","kind":"nexusOperation","endpoint":"e","service":"s","operation":"o","operationToken":"t","scheduledEventId":7}`: {
			FailureInfo: &failure.Failure_NexusOperationExecutionFailureInfo{NexusOperationExecutionFailureInfo: &failure.NexusOperationFailureInfo{
				Endpoint: "e", Service: "s", Operation: "o", OperationToken: "t", ScheduledEventId: 7,
			}},
		},
		`{"message":"","kind":"nexusHandler","handlerErrorType":"INTERNAL","retryBehavior":"NON_RETRYABLE"}`: {
			FailureInfo: &failure.Failure_NexusHandlerFailureInfo{NexusHandlerFailureInfo: &failure.NexusHandlerFailureInfo{
				Type: "INTERNAL", RetryBehavior: enums.NEXUS_HANDLER_ERROR_RETRY_BEHAVIOR_NON_RETRYABLE,
			}},
		},
	} {
		got, err := Marshal(Failure(f))
		require.NoError(t, err)
		require.JSONEq(t, want, string(got))
	}
}
