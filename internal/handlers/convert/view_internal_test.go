package convert

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/deployment/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/failure/v1"
	"go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/flowgate/flowgate/internal/payload"
	"github.com/flowgate/flowgate/internal/transcode"
)

// render returns the JSON text of a view of message.
func render(t *testing.T, view *transcode.Plan, message proto.Message) string {
	t.Helper()
	wire, err := proto.Marshal(message)
	require.NoError(t, err)
	text, err := view.AppendJSON(nil, wire, transcode.Options{}, nil)
	require.NoError(t, err)
	return string(text)
}

func TestSummaryRendersPlainAndEncodedMemos(t *testing.T) {
	t.Parallel()
	views := NewViews()
	info := &workflow.WorkflowExecutionInfo{
		Execution: &common.WorkflowExecution{WorkflowId: "w", RunId: "r"}, Type: &common.WorkflowType{Name: "Order"},
		TaskQueue: "orders", Status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING,
		StartTime: timestamppb.New(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)),
		Memo:      &common.Memo{Fields: map[string]*common.Payload{"total": payload.FromJSON([]byte(`1.10`))}},
	}
	text := render(t, views.Summary, info)
	require.Contains(t, text, `"memo":{"total":1.10}`)
	require.JSONEq(t, `{"workflowId":"w","runId":"r","workflowType":"Order","taskQueue":"orders","status":"RUNNING","startTime":"2026-01-02T03:04:05Z",
		"historyLength":0,"memo":{"total":1.10}}`, text)

	info.Memo.Fields["raw"] = &common.Payload{Metadata: map[string][]byte{"encoding": []byte("binary/plain")}, Data: []byte("x")}
	require.JSONEq(t, `{"workflowId":"w","runId":"r","workflowType":"Order","taskQueue":"orders","status":"RUNNING","startTime":"2026-01-02T03:04:05Z",
		"historyLength":0,"memoPayloads":{
			"raw":{"metadata":{"encoding":"YmluYXJ5L3BsYWlu"},"data":"eA=="},
			"total":{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"MS4xMA==","json":1.10}}}`, render(t, views.Summary, info))
}

func TestDescriptionRendersOptionsAndPendingWork(t *testing.T) {
	t.Parallel()
	const moment = "2026-01-02T03:04:05Z"
	at := timestamppb.New(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	text := render(t, NewViews().Description, &workflowservice.DescribeWorkflowExecutionResponse{
		ExecutionConfig: &workflow.WorkflowExecutionConfig{UserMetadata: &sdk.UserMetadata{
			Summary: textPayload("short"), Details: payload.FromJSON([]byte(`["no string"]`)),
		}},
		WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{
			Execution: &common.WorkflowExecution{WorkflowId: "w", RunId: "r"}, Type: &common.WorkflowType{Name: "Order"}, StartTime: at,
			Status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING,
			VersioningInfo: &workflow.WorkflowExecutionVersioningInfo{
				Behavior: enums.VERSIONING_BEHAVIOR_PINNED,
				VersioningOverride: &workflow.VersioningOverride{Override: &workflow.VersioningOverride_Pinned{
					Pinned: &workflow.VersioningOverride_PinnedOverride{
						Version: &deployment.WorkerDeploymentVersion{DeploymentName: "orders", BuildId: "2"},
					},
				}},
			},
		},
		PendingNexusOperations: []*workflow.PendingNexusOperationInfo{{
			Endpoint: "pay", Service: "Payments", Operation: "charge", State: enums.PENDING_NEXUS_OPERATION_STATE_BACKING_OFF, Attempt: 2,
			LastAttemptFailure: &failure.Failure{Message: "no"}, ScheduleToCloseTimeout: durationpb.New(90e9),
			CancellationInfo: &workflow.NexusOperationCancellationInfo{State: enums.NEXUS_OPERATION_CANCELLATION_STATE_SCHEDULED, Attempt: 1},
		}},
		Callbacks: []*workflow.CallbackInfo{{State: enums.CALLBACK_STATE_SUCCEEDED, Attempt: 1, RegistrationTime: at}},
	})
	require.JSONEq(t, `{"workflowId":"w","runId":"r","workflowType":"Order","taskQueue":"","status":"RUNNING",
		"startTime":"`+moment+`","historyLength":0,"staticSummary":"short",
		"versioning":{"behavior":"PINNED","override":{"behavior":"PINNED","pinnedVersion":{"deploymentName":"orders","buildId":"2"}}},
		"pendingNexusOperations":[{"endpoint":"pay","service":"Payments","operation":"charge","state":"BACKING_OFF","attempt":2,
			"lastAttemptFailure":{"message":"no","kind":"application"},"scheduleToCloseTimeout":"90s",
			"cancellation":{"state":"SCHEDULED","attempt":1}}],
		"callbacks":[{"state":"SUCCEEDED","attempt":1,"registrationTime":"`+moment+`"}]}`, text)
}
