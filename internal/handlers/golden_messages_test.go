package handlers_test

import (
	"time"

	"go.temporal.io/api/batch/v1"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/deployment/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/failure/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/taskqueue/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

const goldenClosedStatus = enums.WORKFLOW_EXECUTION_STATUS_COMPLETED

// The upstream messages from which the golden responses are rendered. They have as many fields as those of a real
// server, and fixed times.

// minuteTime returns a time in a fixed hour.
func minuteTime(minute int) *timestamppb.Timestamp {
	return timestamppb.New(time.Date(2026, 4, 1, 9, minute, 0, 0, time.UTC))
}

func jsonPayload(data string) *common.Payload {
	return &common.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(data)}
}

func jsonPayloads(data ...string) *common.Payloads {
	list := &common.Payloads{}
	for _, text := range data {
		list.Payloads = append(list.Payloads, jsonPayload(text))
	}
	return list
}

func orderExecution() *common.WorkflowExecution {
	return &common.WorkflowExecution{WorkflowId: "order", RunId: temporalfake.RunID}
}

func goldenInfo() *workflowpb.WorkflowExecutionInfo {
	keyword := jsonPayload(`"c-1"`)
	keyword.Metadata["type"] = []byte("Keyword")
	return &workflowpb.WorkflowExecutionInfo{
		Execution: orderExecution(), FirstRunId: temporalfake.RunID, Type: &common.WorkflowType{Name: "Order"}, TaskQueue: "orders",
		Status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING, StartTime: minuteTime(0), ExecutionTime: minuteTime(0),
		HistoryLength: 12, HistorySizeBytes: 4096, StateTransitionCount: 9,
		Memo:             &common.Memo{Fields: map[string]*common.Payload{"note": jsonPayload(`"a gift"`)}},
		SearchAttributes: &common.SearchAttributes{IndexedFields: map[string]*common.Payload{"CustomerId": keyword}},
		ParentExecution:  &common.WorkflowExecution{WorkflowId: "basket", RunId: handlerstest.NewRunID},
		RootExecution:    &common.WorkflowExecution{WorkflowId: "basket", RunId: handlerstest.NewRunID},
		Priority:         &common.Priority{PriorityKey: 2, FairnessKey: "c-1", FairnessWeight: 1.5},
		VersioningInfo: &workflowpb.WorkflowExecutionVersioningInfo{
			Behavior: enums.VERSIONING_BEHAVIOR_PINNED, DeploymentVersion: &deployment.WorkerDeploymentVersion{DeploymentName: "shop", BuildId: "b-7"},
		},
	}
}

func goldenList() *workflowservice.ListWorkflowExecutionsResponse {
	closed := goldenInfo()
	closed.Execution = &common.WorkflowExecution{WorkflowId: "order-2", RunId: handlerstest.NewRunID}
	closed.Status, closed.CloseTime, closed.ExecutionDuration = goldenClosedStatus, minuteTime(30), durationpb.New(30*time.Minute)
	return &workflowservice.ListWorkflowExecutionsResponse{
		Executions: []*workflowpb.WorkflowExecutionInfo{goldenInfo(), closed}, NextPageToken: []byte("next"),
	}
}

func goldenCount() *workflowservice.CountWorkflowExecutionsResponse {
	group := func(status string, count int64) *workflowservice.CountWorkflowExecutionsResponse_AggregationGroup {
		value := jsonPayload(`"` + status + `"`)
		value.Metadata["type"] = []byte("Keyword")
		return &workflowservice.CountWorkflowExecutionsResponse_AggregationGroup{GroupValues: []*common.Payload{value}, Count: count}
	}
	return &workflowservice.CountWorkflowExecutionsResponse{
		Count: 12, Groups: []*workflowservice.CountWorkflowExecutionsResponse_AggregationGroup{group("Running", 5), group("Completed", 7)},
	}
}

func goldenDescription() *workflowservice.DescribeWorkflowExecutionResponse {
	return &workflowservice.DescribeWorkflowExecutionResponse{
		WorkflowExecutionInfo: goldenInfo(),
		ExecutionConfig: &workflowpb.WorkflowExecutionConfig{
			WorkflowExecutionTimeout: durationpb.New(3 * time.Hour), WorkflowRunTimeout: durationpb.New(time.Hour),
			DefaultWorkflowTaskTimeout: durationpb.New(10 * time.Second), TaskQueue: &taskqueue.TaskQueue{Name: "orders"},
			UserMetadata: &sdk.UserMetadata{Summary: jsonPayload(`"Order of c-1"`), Details: jsonPayload(`"Three items"`)},
		},
		WorkflowExtendedInfo: &workflowpb.WorkflowExecutionExtendedInfo{
			ExecutionExpirationTime: minuteTime(59), RunExpirationTime: minuteTime(59), OriginalStartTime: minuteTime(0),
		},
		PendingActivities: []*workflowpb.PendingActivityInfo{{
			ActivityId: "5", ActivityType: &common.ActivityType{Name: "charge"}, State: enums.PENDING_ACTIVITY_STATE_STARTED, Attempt: 2, MaximumAttempts: 5,
			HeartbeatDetails: jsonPayloads(`{"done":1}`), LastHeartbeatTime: minuteTime(3), LastStartedTime: minuteTime(2), ScheduledTime: minuteTime(1), LastWorkerIdentity: "worker-1",
			LastFailure: &failure.Failure{
				Message:     "card refused",
				FailureInfo: &failure.Failure_ApplicationFailureInfo{ApplicationFailureInfo: &failure.ApplicationFailureInfo{Type: "Refused"}},
			},
		}},
		PendingChildren: []*workflowpb.PendingChildExecutionInfo{{
			WorkflowId: "parcel", RunId: handlerstest.NewRunID, WorkflowTypeName: "Parcel", InitiatedId: 8, ParentClosePolicy: enums.PARENT_CLOSE_POLICY_ABANDON,
		}},
		PendingWorkflowTask: &workflowpb.PendingWorkflowTaskInfo{
			State: enums.PENDING_WORKFLOW_TASK_STATE_SCHEDULED, Attempt: 1, ScheduledTime: minuteTime(4), OriginalScheduledTime: minuteTime(4),
		},
	}
}

func goldenOptions() *workflowservice.UpdateWorkflowExecutionOptionsResponse {
	return &workflowservice.UpdateWorkflowExecutionOptionsResponse{
		WorkflowExecutionOptions: &workflowpb.WorkflowExecutionOptions{Priority: &common.Priority{PriorityKey: 2}},
	}
}

func goldenMetadata() *workflowservice.QueryWorkflowResponse {
	return &workflowservice.QueryWorkflowResponse{QueryResult: jsonPayloads(`{"currentDetails":"2 of 3 items are packed",
		"definition":{"type":"Order","queryDefinitions":[{"name":"cart","description":"The items."}],
		"signalDefinitions":[{"name":"approve"}],"updateDefinitions":[{"name":"addItem","description":"Adds an item."}]}}`)}
}

func goldenHistory() *workflowservice.GetWorkflowExecutionHistoryResponse {
	return &workflowservice.GetWorkflowExecutionHistoryResponse{
		NextPageToken: []byte("next"),
		History: &history.History{Events: []*history.HistoryEvent{
			{
				EventId: 1, EventTime: minuteTime(0), TaskId: 1048576, EventType: enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
				Attributes: &history.HistoryEvent_WorkflowExecutionStartedEventAttributes{
					WorkflowExecutionStartedEventAttributes: &history.WorkflowExecutionStartedEventAttributes{
						WorkflowType: &common.WorkflowType{Name: "Order"}, TaskQueue: &taskqueue.TaskQueue{Name: "orders", Kind: enums.TASK_QUEUE_KIND_NORMAL},
						Input: jsonPayloads(`{"sku":"A-17","price":1.10}`), OriginalExecutionRunId: temporalfake.RunID, FirstExecutionRunId: temporalfake.RunID,
						Identity: "writer", Attempt: 1, WorkflowId: "order",
					},
				},
			},
			{
				EventId: 2, EventTime: minuteTime(0), TaskId: 1048577, EventType: enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
				Attributes: &history.HistoryEvent_WorkflowTaskScheduledEventAttributes{
					WorkflowTaskScheduledEventAttributes: &history.WorkflowTaskScheduledEventAttributes{
						TaskQueue: &taskqueue.TaskQueue{Name: "orders"}, StartToCloseTimeout: durationpb.New(10 * time.Second), Attempt: 1,
					},
				},
			},
		}},
	}
}

func respondToBatches(up *upstreamtest.Server) {
	respond("StartBatchOperation", &workflowservice.StartBatchOperationResponse{})(up)
	respond("StopBatchOperation", &workflowservice.StopBatchOperationResponse{})(up)
	respond("CountWorkflowExecutions", &workflowservice.CountWorkflowExecutionsResponse{Count: 12})(up)
	respond("ListBatchOperations", &workflowservice.ListBatchOperationsResponse{
		OperationInfo: []*batch.BatchOperationInfo{
			{JobId: "job-2", State: enums.BATCH_OPERATION_STATE_RUNNING, OperationType: enums.BATCH_OPERATION_TYPE_SIGNAL_WORKFLOW, StartTime: minuteTime(5)},
			{JobId: "job-1", State: enums.BATCH_OPERATION_STATE_COMPLETED, OperationType: enums.BATCH_OPERATION_TYPE_CANCEL_WORKFLOW, StartTime: minuteTime(0), CloseTime: minuteTime(1)},
		},
		NextPageToken: []byte("next"),
	})(up)
	respond("DescribeBatchOperation", &workflowservice.DescribeBatchOperationResponse{
		JobId: "job-1", State: enums.BATCH_OPERATION_STATE_RUNNING, OperationType: enums.BATCH_OPERATION_TYPE_CANCEL_WORKFLOW, StartTime: minuteTime(0),
		TotalOperationCount: 12, CompleteOperationCount: 7, FailureOperationCount: 1, Identity: "writer", Reason: "out of stock", Query: "CustomerId='c-1'",
	})(up)
}

func goldenSystemInfo() *workflowservice.GetSystemInfoResponse {
	return &workflowservice.GetSystemInfoResponse{
		ServerVersion: "1.32.1",
		Capabilities:  &workflowservice.GetSystemInfoResponse_Capabilities{SignalAndQueryHeader: true, UpsertMemo: true, EagerWorkflowStart: true},
	}
}

func goldenTask() *workflowservice.PollActivityTaskQueueResponse {
	return &workflowservice.PollActivityTaskQueueResponse{
		TaskToken: []byte("token"), WorkflowExecution: orderExecution(), WorkflowType: &common.WorkflowType{Name: "Order"},
		ActivityId: "5", ActivityType: &common.ActivityType{Name: "ChargeCard"}, Attempt: 2,
		Input: jsonPayloads(`{"amount":129.90}`), HeartbeatDetails: jsonPayloads(`{"done":3}`),
		ScheduledTime: minuteTime(1), CurrentAttemptScheduledTime: minuteTime(2), StartedTime: minuteTime(3),
		StartToCloseTimeout: durationpb.New(30 * time.Second), HeartbeatTimeout: durationpb.New(5 * time.Second),
		RetryPolicy: &common.RetryPolicy{InitialInterval: durationpb.New(time.Second), BackoffCoefficient: 2},
	}
}

func goldenTaskQueue() *workflowservice.DescribeTaskQueueResponse {
	return &workflowservice.DescribeTaskQueueResponse{
		Pollers: []*taskqueue.PollerInfo{{
			Identity: "4711@worker-1", LastAccessTime: minuteTime(1), RatePerSecond: 100_000,
			DeploymentOptions: &deployment.WorkerDeploymentOptions{
				DeploymentName: "orders", BuildId: "2026-11-20", WorkerVersioningMode: enums.WORKER_VERSIONING_MODE_VERSIONED,
			},
		}},
		Stats: &taskqueue.TaskQueueStats{ApproximateBacklogCount: 3, ApproximateBacklogAge: durationpb.New(1500 * time.Millisecond), TasksAddRate: 2.5, TasksDispatchRate: 2},
		VersioningInfo: &taskqueue.TaskQueueVersioningInfo{
			CurrentDeploymentVersion: &deployment.WorkerDeploymentVersion{DeploymentName: "orders", BuildId: "2026-11-20"}, UpdateTime: minuteTime(0),
		},
	}
}

func goldenVersionSets() *workflowservice.GetWorkerBuildIdCompatibilityResponse {
	return &workflowservice.GetWorkerBuildIdCompatibilityResponse{
		MajorVersionSets: []*taskqueue.CompatibleVersionSet{{BuildIds: []string{"1.0", "1.1"}}, {BuildIds: []string{"2.0"}}},
	}
}

func goldenReachability() *workflowservice.GetWorkerTaskReachabilityResponse {
	return &workflowservice.GetWorkerTaskReachabilityResponse{BuildIdReachability: []*taskqueue.BuildIdReachability{{
		BuildId: "1.0", TaskQueueReachability: []*taskqueue.TaskQueueReachability{
			{TaskQueue: "orders", Reachability: []enums.TaskReachability{enums.TASK_REACHABILITY_NEW_WORKFLOWS}},
		},
	}}}
}
