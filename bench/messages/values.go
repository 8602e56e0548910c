package messages

import (
	"fmt"
	"strconv"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const (
	// Namespace is the namespace of all calls.
	Namespace = "default"
	// WorkflowID is the id of the workflow that is started, signalled and described.
	WorkflowID = "order-0"
	// RunID is the run id of that workflow.
	RunID = "01a1fbfe-7c1e-7d44-9b0a-3f6f0e5b2d10"
	// RequestID is the request id of the start and of the signal.
	RequestID = "3c7d2f10-58a4-4e6b-8d19-b05e7a92c641"
	// WorkflowType is the type of every workflow.
	WorkflowType = "Order"
	// TaskQueue is the task queue of every workflow.
	TaskQueue = "orders"
	// Signal is the name of the signal that is sent to the workflow.
	Signal = "approve"
	// Argument is the argument of a workflow, in JSON.
	Argument = `{"orderId":"order-0","customerId":"c-1","items":[{"sku":"book","quantity":2,"price":1250},` +
		`{"sku":"pen","quantity":1,"price":300}],"note":"leave it at the door"}`
	// Approval is the argument of the signal, in JSON.
	Approval = `{"by":"ann","at":"2026-01-02T03:04:05Z"}`
)

// The type of the activities, the identity of the worker and the id of the cluster in responses.
const (
	activity  = "charge"
	clusterID = "f2b8c6d4-07e1-4a93-b5c2-6d8e91f3a750"
	worker    = "4711@worker-1"
)

// timeAt returns the time that is the given number of milliseconds after a constant start, so that the responses are
// the same in every run of the bench.
func timeAt(milliseconds int) *timestamppb.Timestamp {
	start := time.Date(2026, time.January, 2, 3, 4, 5, 678_901_000, time.UTC)
	return timestamppb.New(start.Add(time.Duration(milliseconds) * time.Millisecond))
}

func seconds(n int) *durationpb.Duration {
	return durationpb.New(time.Duration(n) * time.Second)
}

// jsonPayload returns a JSON payload as the SDKs encode it.
func jsonPayload(json string) *common.Payload {
	return &common.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(json)}
}

func payloads(json ...string) *common.Payloads {
	all := &common.Payloads{}
	for _, value := range json {
		all.Payloads = append(all.Payloads, jsonPayload(value))
	}
	return all
}

// attribute returns the payload of a search attribute with the given type.
func attribute(kind, json string) *common.Payload {
	payload := jsonPayload(json)
	payload.Metadata["type"] = []byte(kind)
	return payload
}

func memo(n int) *common.Memo {
	return &common.Memo{Fields: map[string]*common.Payload{
		"customer": jsonPayload(fmt.Sprintf(`{"id":"c-%d","name":"Customer %d","tier":"gold"}`, n, n)),
		"source":   jsonPayload(`"web"`),
	}}
}

func searchAttributes(n int) *common.SearchAttributes {
	return &common.SearchAttributes{IndexedFields: map[string]*common.Payload{
		"CustomerId": attribute("Keyword", strconv.Quote("c-"+strconv.Itoa(n))),
		"Total":      attribute("Int", strconv.Itoa(n*125)),
		"BuildIds":   attribute("KeywordList", `["unversioned","unversioned:worker-1"]`),
	}}
}

func execution(n int) *common.WorkflowExecution {
	run := RunID
	if n > 0 {
		run = fmt.Sprintf("%s%04d", RunID[:len(RunID)-4], n)
	}
	return &common.WorkflowExecution{WorkflowId: "order-" + strconv.Itoa(n), RunId: run}
}

func workflowType() *common.WorkflowType {
	return &common.WorkflowType{Name: WorkflowType}
}

func activityType() *common.ActivityType {
	return &common.ActivityType{Name: activity}
}

func taskQueue() *taskqueue.TaskQueue {
	return &taskqueue.TaskQueue{Name: TaskQueue, Kind: enums.TASK_QUEUE_KIND_NORMAL}
}

func retryPolicy() *common.RetryPolicy {
	return &common.RetryPolicy{
		InitialInterval: seconds(1), BackoffCoefficient: 2, MaximumInterval: seconds(100), MaximumAttempts: 5,
		NonRetryableErrorTypes: []string{"PaymentDeclined"},
	}
}
