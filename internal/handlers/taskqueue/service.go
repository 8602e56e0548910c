package taskqueue

import (
	"context"
	"strings"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/transcode"
	"github.com/flowgate/flowgate/internal/upstream"
)

// Service has the operations on task queues.
type Service struct {
	adapter  *operation.Adapter
	upstream *upstream.Client
	drain    *longpoll.Drain
	polls    *polls
	taskView *transcode.Plan // of an activity task
}

// New returns the service. Its polls keep the values of base, and not its end: see
// [Service.Close]. When drain begins, no request starts another poll.
func New(base context.Context, adapter *operation.Adapter, drain *longpoll.Drain) *Service {
	return &Service{
		adapter: adapter, upstream: adapter.Upstream, drain: drain, polls: newPolls(base, adapter.Upstream),
		taskView: transcode.NewPlans().View((&workflowservice.PollActivityTaskQueueResponse{}).ProtoReflect().Descriptor(), taskFields()),
	}
}

// Close waits until all polls have ended and the tasks that reached no client are given
// back. It takes at most [maxPollTimeout] and the time to give back.
func (s *Service) Close() { s.polls.running.Wait() }

// taskFields returns the fields of an activity task, in their order in the response.
func taskFields() []transcode.ViewField {
	return []transcode.ViewField{
		{Field: "task_token", As: "taskToken", Always: true},
		{Field: "workflow_execution", View: []transcode.ViewField{
			{Field: "workflow_id", As: "workflowId"}, {Field: "run_id", As: "runId"},
		}},
		{Field: "workflow_type", View: []transcode.ViewField{{Field: "name", As: "workflowType"}}},
		{Field: "activity_id", As: "activityId", Always: true},
		{Field: "activity_run_id", As: "activityRunId"},
		{Field: "activity_type", Always: true, View: []transcode.ViewField{{Field: "name", As: "activityType", Always: true}}},
		{Field: "attempt", As: "attempt", Always: true},
		{Field: "input", Members: convert.AppendValues("args", "argPayloads")},
		{Field: "heartbeat_details", Members: convert.AppendValues("heartbeatDetails", "heartbeatDetailPayloads")},
		{Field: "header", View: []transcode.ViewField{{Field: "fields", As: "headers", Value: convert.AppendPayload}}},
		{Field: "scheduled_time", As: "scheduledTime"},
		{Field: "current_attempt_scheduled_time", As: "currentAttemptScheduledTime"},
		{Field: "started_time", As: "startedTime"},
		{Field: "schedule_to_close_timeout", As: "scheduleToCloseTimeout"},
		{Field: "start_to_close_timeout", As: "startToCloseTimeout"},
		{Field: "heartbeat_timeout", As: "heartbeatTimeout"},
		{Field: "retry_policy", As: "retryPolicy", View: convert.RetryPolicyView()},
		{Field: "priority", As: "priority", View: convert.PriorityView()},
	}
}

// partitionPrefix is the prefix of the names of the server's partitions of task queues.
const partitionPrefix = "/_sys/"

// serverQueuePrefix is the prefix of the task queues that the server's own workers poll.
const serverQueuePrefix = "temporal-sys-"

// queueName returns the name of the task queue in a request: the path segment or, if that
// is "-", the query parameter.
func queueName(segment, parameter string) (string, error) {
	name, err := convert.ID("taskQueue", segment, parameter)
	if err != nil {
		return "", err
	}
	var v convert.Validation
	checkQueue(&v, "taskQueue", name)
	return name, v.Err()
}

// checkQueue rejects the name of a partition, which the server also rejects.
func checkQueue(v *convert.Validation, pointer, name string) {
	if strings.HasPrefix(name, partitionPrefix) {
		v.Add(pointer, "must not begin with "+partitionPrefix)
	}
}
