package messages

import (
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/durationpb"
)

// ExecutionCount is the number of workflows in the response to a list request.
const ExecutionCount = 100

func startResponse() *workflowservice.StartWorkflowExecutionResponse {
	return &workflowservice.StartWorkflowExecutionResponse{
		RunId: RunID, Started: true, Status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING,
		Link: &common.Link{Variant: &common.Link_WorkflowEvent_{WorkflowEvent: &common.Link_WorkflowEvent{
			Namespace: Namespace, WorkflowId: WorkflowID, RunId: RunID,
			Reference: &common.Link_WorkflowEvent_EventRef{EventRef: &common.Link_WorkflowEvent_EventReference{
				EventId: 1, EventType: enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
			}},
		}}},
	}
}

func describeResponse() *workflowservice.DescribeWorkflowExecutionResponse {
	return &workflowservice.DescribeWorkflowExecutionResponse{
		ExecutionConfig: &workflow.WorkflowExecutionConfig{
			TaskQueue: taskQueue(), WorkflowExecutionTimeout: seconds(0), WorkflowRunTimeout: seconds(3600),
			DefaultWorkflowTaskTimeout: seconds(10),
		},
		WorkflowExecutionInfo: runningExecution(0),
		PendingActivities: []*workflow.PendingActivityInfo{{
			ActivityId: activity, ActivityType: activityType(), State: enums.PENDING_ACTIVITY_STATE_STARTED,
			HeartbeatDetails: payloads(`{"progress":40}`), LastHeartbeatTime: timeAt(900), LastStartedTime: timeAt(800), ScheduledTime: timeAt(700),
			Attempt: 2, MaximumAttempts: 5, LastWorkerIdentity: worker, CurrentRetryInterval: seconds(2),
		}},
		WorkflowExtendedInfo: &workflow.WorkflowExecutionExtendedInfo{OriginalStartTime: timeAt(0)},
	}
}

// listResponse contains running and closed workflows, newest first, and a token for the next page.
func listResponse() *workflowservice.ListWorkflowExecutionsResponse {
	response := &workflowservice.ListWorkflowExecutionsResponse{
		NextPageToken: []byte(`{"CloseTime":"2026-01-02T03:04:05.678901Z","StartTime":"2026-01-02T03:04:05.678901Z","RunID":"` + RunID + `"}`),
	}
	for n := ExecutionCount - 1; n >= 0; n-- {
		info := runningExecution(n)
		if n%3 != 0 {
			closeExecution(info, n)
		}
		response.Executions = append(response.Executions, info)
	}
	return response
}

// runningExecution returns a running workflow, as responses to describe and list requests contain it. A different n
// results in different ids, times and sizes.
func runningExecution(n int) *workflow.WorkflowExecutionInfo {
	return &workflow.WorkflowExecutionInfo{
		Execution: execution(n), Type: workflowType(), TaskQueue: TaskQueue,
		StartTime: timeAt(n * 1000), ExecutionTime: timeAt(n * 1000), Status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING,
		HistoryLength: int64(11 + n%7), HistorySizeBytes: int64(2048 + n*13), StateTransitionCount: int64(7 + n%5),
		Memo: memo(n), SearchAttributes: searchAttributes(n), AutoResetPoints: &workflow.ResetPoints{},
		RootExecution: execution(n), FirstRunId: execution(n).GetRunId(),
	}
}

// closeExecution changes info to a completed or failed workflow.
func closeExecution(info *workflow.WorkflowExecutionInfo, n int) {
	info.Status = enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
	if n%10 == 1 {
		info.Status = enums.WORKFLOW_EXECUTION_STATUS_FAILED
	}
	info.CloseTime = timeAt(n*1000 + 870)
	info.ExecutionDuration = durationpb.New(870 * time.Millisecond)
}
