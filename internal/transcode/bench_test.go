package transcode_test

import (
	"fmt"
	"io"
	"strconv"
	"testing"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/flowgate/flowgate/internal/transcode"
)

func jsonPayload(text string) *common.Payload {
	return &common.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(text)}
}

// events returns a history in which activities run one after the other.
func events(count int) *workflowservice.GetWorkflowExecutionHistoryResponse {
	all := &history.History{}
	for i := range count {
		event := &history.HistoryEvent{EventId: int64(i + 1), TaskId: int64(1<<20 + i), EventTime: timestamppb.New(time.Unix(1_800_000_000, int64(i)*1e6+7))}
		switch i % 2 {
		case 0:
			event.EventType = enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
			event.Attributes = &history.HistoryEvent_ActivityTaskScheduledEventAttributes{ActivityTaskScheduledEventAttributes: &history.ActivityTaskScheduledEventAttributes{
				ActivityId: strconv.Itoa(i), ActivityType: &common.ActivityType{Name: "Charge"}, TaskQueue: &taskqueue.TaskQueue{Name: "orders", Kind: enums.TASK_QUEUE_KIND_NORMAL},
				Input:               &common.Payloads{Payloads: []*common.Payload{jsonPayload(fmt.Sprintf(`{"orderId":"order-0","step":%d,"item":{"sku":"book","quantity":2,"price":1250}}`, i))}},
				StartToCloseTimeout: durationpb.New(30 * time.Second), WorkflowTaskCompletedEventId: int64(i),
				RetryPolicy: &common.RetryPolicy{InitialInterval: durationpb.New(time.Second), BackoffCoefficient: 2, MaximumAttempts: 5},
			}}
		default:
			event.EventType = enums.EVENT_TYPE_ACTIVITY_TASK_STARTED
			event.Attributes = &history.HistoryEvent_ActivityTaskStartedEventAttributes{ActivityTaskStartedEventAttributes: &history.ActivityTaskStartedEventAttributes{
				ScheduledEventId: int64(i), Identity: "1234@worker", RequestId: fmt.Sprintf("8c1f0d92-77aa-4c05-b1f3-%012d", i), Attempt: 1,
			}}
		}
		all.Events = append(all.Events, event)
	}
	return &workflowservice.GetWorkflowExecutionHistoryResponse{History: all}
}

// executions returns a page of a list of workflows.
func executions(count int) *workflowservice.ListWorkflowExecutionsResponse {
	list := &workflowservice.ListWorkflowExecutionsResponse{}
	for i := range count {
		run := &common.WorkflowExecution{WorkflowId: fmt.Sprintf("order-%d", i), RunId: fmt.Sprintf("8c1f0d92-77aa-4c05-b1f3-%012d", i)}
		list.Executions = append(list.Executions, &workflow.WorkflowExecutionInfo{
			Execution: run, RootExecution: run, FirstRunId: run.GetRunId(), Type: &common.WorkflowType{Name: "Order"}, TaskQueue: "orders",
			StartTime: timestamppb.New(time.Unix(1_800_000_000, int64(i))), ExecutionTime: timestamppb.New(time.Unix(1_800_000_000, int64(i))),
			Status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING, HistoryLength: 12, StateTransitionCount: 7,
			Memo: &common.Memo{Fields: map[string]*common.Payload{"channel": jsonPayload(`"web"`), "total": jsonPayload(`1250`)}},
			SearchAttributes: &common.SearchAttributes{IndexedFields: map[string]*common.Payload{
				"CustomerId": jsonPayload(`"c-1"`), "BuildIds": jsonPayload(`["unversioned","unversioned:264db8c635d5c9b6d83042c09dda5170"]`),
			}},
		})
	}
	return list
}

func BenchmarkJSON(b *testing.B) {
	start := &workflowservice.StartWorkflowExecutionResponse{RunId: "8c1f0d92-77aa-4c05-b1f3-000000000001", Started: true, Status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING}
	for name, m := range map[string]proto.Message{"history": events(1000), "list": executions(100), "start": start} {
		wire, plan := marshal(b, m), transcode.NewPlans().Message(m.ProtoReflect().Descriptor())
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(wire)))
			for b.Loop() {
				if err := plan.WriteJSON(io.Discard, wire, transcode.Options{}, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkWire(b *testing.B) {
	text := []byte(`{"workflowType":{"name":"Order"},"taskQueue":{"name":"orders"},"requestId":"8c1f0d92-77aa-4c05-b1f3-000000000001",` +
		`"input":[{"orderId":"order-1042","customerId":"customer-17","items":[{"sku":"book","quantity":2,"price":1250}],"autoApprove":true}],` +
		`"workflowRunTimeout":"3600s","memo":{"fields":{"channel":"web"}}}`)
	plan := transcode.NewPlans().Message((&workflowservice.StartWorkflowExecutionRequest{}).ProtoReflect().Descriptor())
	out := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := plan.AppendWire(out, text, transcode.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
