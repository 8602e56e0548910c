package messages

import (
	"fmt"
	"strconv"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/workflowservice/v1"
)

// EventCount is the number of events in the response to a history request.
const EventCount = 1000

// historyResponse returns the history of a workflow that executes one activity after the other.
func historyResponse() *workflowservice.GetWorkflowExecutionHistoryResponse {
	cycle := []func(id int64) *history.HistoryEvent{
		taskScheduled, taskStarted, taskCompleted, activityScheduled, activityStarted, activityCompleted,
	}
	events := []*history.HistoryEvent{workflowStarted()}
	for n := 0; len(events) < EventCount; n++ {
		id := int64(len(events) + 1)
		event := cycle[n%len(cycle)](id)
		event.EventId, event.EventTime, event.TaskId = id, timeAt(int(id)*10), 1_048_576+id
		events = append(events, event)
	}
	return &workflowservice.GetWorkflowExecutionHistoryResponse{History: &history.History{Events: events}}
}

func workflowStarted() *history.HistoryEvent {
	return &history.HistoryEvent{
		EventId: 1, EventTime: timeAt(0), TaskId: 1_048_576, EventType: enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
		Attributes: &history.HistoryEvent_WorkflowExecutionStartedEventAttributes{
			WorkflowExecutionStartedEventAttributes: &history.WorkflowExecutionStartedEventAttributes{
				WorkflowType: workflowType(), TaskQueue: taskQueue(), Input: payloads(Argument), WorkflowRunTimeout: seconds(3600),
				WorkflowTaskTimeout: seconds(10), OriginalExecutionRunId: RunID, FirstExecutionRunId: RunID, Identity: "billing",
				Attempt: 1, FirstWorkflowTaskBackoff: seconds(0), Memo: memo(0), SearchAttributes: searchAttributes(0),
				Header: &common.Header{}, WorkflowId: WorkflowID,
			},
		},
	}
}

func taskScheduled(int64) *history.HistoryEvent {
	return &history.HistoryEvent{
		EventType: enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
		Attributes: &history.HistoryEvent_WorkflowTaskScheduledEventAttributes{
			WorkflowTaskScheduledEventAttributes: &history.WorkflowTaskScheduledEventAttributes{
				TaskQueue: taskQueue(), StartToCloseTimeout: seconds(10), Attempt: 1,
			},
		},
	}
}

func taskStarted(id int64) *history.HistoryEvent {
	return &history.HistoryEvent{
		EventType: enums.EVENT_TYPE_WORKFLOW_TASK_STARTED,
		Attributes: &history.HistoryEvent_WorkflowTaskStartedEventAttributes{
			WorkflowTaskStartedEventAttributes: &history.WorkflowTaskStartedEventAttributes{
				ScheduledEventId: id - 1, Identity: worker, RequestId: fmt.Sprintf("5e0b74ab-1d7c-4d2e-9a52-%012d", id),
				HistorySizeBytes: id * 150,
			},
		},
	}
}

func taskCompleted(id int64) *history.HistoryEvent {
	return &history.HistoryEvent{
		EventType: enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
		Attributes: &history.HistoryEvent_WorkflowTaskCompletedEventAttributes{
			WorkflowTaskCompletedEventAttributes: &history.WorkflowTaskCompletedEventAttributes{
				ScheduledEventId: id - 2, StartedEventId: id - 1, Identity: worker,
				SdkMetadata:      &sdk.WorkflowTaskCompletedMetadata{LangUsedFlags: []uint32{3}, SdkName: "temporal-go", SdkVersion: "1.50.0"},
				MeteringMetadata: &common.MeteringMetadata{},
			},
		},
	}
}

func activityScheduled(id int64) *history.HistoryEvent {
	argument := fmt.Sprintf(`{"orderId":"order-0","step":%d,"item":{"sku":"book","quantity":2,"price":1250},"address":"1 High Street"}`, id)
	return &history.HistoryEvent{
		EventType: enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
		Attributes: &history.HistoryEvent_ActivityTaskScheduledEventAttributes{
			ActivityTaskScheduledEventAttributes: &history.ActivityTaskScheduledEventAttributes{
				ActivityId: strconv.FormatInt(id, 10), ActivityType: activityType(), TaskQueue: taskQueue(),
				Input: payloads(argument), ScheduleToCloseTimeout: seconds(3600), ScheduleToStartTimeout: seconds(3600),
				StartToCloseTimeout: seconds(30), HeartbeatTimeout: seconds(0), WorkflowTaskCompletedEventId: id - 1,
				RetryPolicy: retryPolicy(),
			},
		},
	}
}

func activityStarted(id int64) *history.HistoryEvent {
	return &history.HistoryEvent{
		EventType: enums.EVENT_TYPE_ACTIVITY_TASK_STARTED,
		Attributes: &history.HistoryEvent_ActivityTaskStartedEventAttributes{
			ActivityTaskStartedEventAttributes: &history.ActivityTaskStartedEventAttributes{
				ScheduledEventId: id - 1, Identity: worker, RequestId: fmt.Sprintf("8c1f0d92-77aa-4c05-b1f3-%012d", id), Attempt: 1,
			},
		},
	}
}

func activityCompleted(id int64) *history.HistoryEvent {
	result := fmt.Sprintf(`{"chargeId":"ch-%d","amount":1250,"currency":"EUR","receipt":"https://pay.example/r/%d"}`, id, id)
	return &history.HistoryEvent{
		EventType: enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED,
		Attributes: &history.HistoryEvent_ActivityTaskCompletedEventAttributes{
			ActivityTaskCompletedEventAttributes: &history.ActivityTaskCompletedEventAttributes{
				Result: payloads(result), ScheduledEventId: id - 2, StartedEventId: id - 1, Identity: worker,
			},
		},
	}
}
