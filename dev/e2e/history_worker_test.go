package e2e_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/command/v1"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/flowgate/flowgate/dev/temporal"
)

// makeHistory creates a closed run with the given number of events. It acts as the worker: it completes each workflow
// task with batchSize markers and receives the next task in the response. One batch cannot contain all markers, because
// the server would reject it as too large.
func makeHistory(t *testing.T, events, batchSize int) started {
	t.Helper()
	began := time.Now()
	const withoutNextTask, withNextTask = false, true // the last argument of respond
	s, task := pollTask(t)
	for {
		// The events have the ids 1, 2, 3 and so on. The start of the task is the last one, so its id is the number of
		// events so far. Two more are the completion of this task and the completion of the run.
		left := events - int(task.GetStartedEventId()) - 2
		if left <= batchSize {
			respond(t, task, append(markers(left), completion()), withoutNextTask)
			t.Logf("created %d events in %s", events, time.Since(began).Round(time.Millisecond))
			return s
		}
		// The next task adds three events, besides markers: its scheduling, its start and its completion.
		task = respond(t, task, markers(min(batchSize, left-3)), withNextTask)
	}
}

// pollTask starts a workflow and polls for its first workflow task.
func pollTask(t *testing.T) (started, *workflowservice.PollWorkflowTaskQueueResponse) {
	t.Helper()
	queue := "queue-" + newID(t)
	s := as[started](t, writer().post(t, workflows, startBody("Long", newID(t), queue)).expect(t, http.StatusCreated))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // the server requires a deadline for a poll
	defer cancel()
	task, err := shared.server.PollWorkflowTaskQueue(ctx, &workflowservice.PollWorkflowTaskQueueRequest{
		Namespace: temporal.DefaultNamespace,
		TaskQueue: &taskqueue.TaskQueue{Name: queue, Kind: enums.TASK_QUEUE_KIND_NORMAL},
	})
	require.NoError(t, err)
	require.NotEmpty(t, task.GetTaskToken())
	return s, task
}

// respond completes a workflow task. If next is true, it requests and returns the next task.
func respond(
	t *testing.T, task *workflowservice.PollWorkflowTaskQueueResponse, commands []*command.Command, next bool,
) *workflowservice.PollWorkflowTaskQueueResponse {
	t.Helper()
	response, err := shared.server.RespondWorkflowTaskCompleted(t.Context(), &workflowservice.RespondWorkflowTaskCompletedRequest{
		Namespace: temporal.DefaultNamespace, TaskToken: task.GetTaskToken(), Commands: commands,
		ReturnNewWorkflowTask: next, ForceCreateNewWorkflowTask: next,
		// With sticky attributes, the next task in the response contains only the new events.
		StickyAttributes: &taskqueue.StickyExecutionAttributes{
			WorkerTaskQueue: &taskqueue.TaskQueue{
				Name: "sticky-" + t.Name(), Kind: enums.TASK_QUEUE_KIND_STICKY, NormalName: task.GetWorkflowExecutionTaskQueue().GetName(),
			},
			ScheduleToStartTimeout: durationpb.New(time.Minute),
		},
	})
	require.NoError(t, err)
	require.Equal(t, next, response.GetWorkflowTask() != nil)
	return response.GetWorkflowTask()
}

// markers returns n commands that each add one event and have no other effect.
func markers(n int) []*command.Command {
	details := map[string]*common.Payloads{"data": {Payloads: []*common.Payload{{
		Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(unusualValue),
	}}}}
	commands := make([]*command.Command, n)
	for i := range commands {
		commands[i] = &command.Command{
			CommandType: enums.COMMAND_TYPE_RECORD_MARKER,
			Attributes: &command.Command_RecordMarkerCommandAttributes{
				RecordMarkerCommandAttributes: &command.RecordMarkerCommandAttributes{MarkerName: "batch", Details: details},
			},
		}
	}
	return commands
}

// completion returns the command that completes the run.
func completion() *command.Command {
	return &command.Command{
		CommandType: enums.COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION,
		Attributes: &command.Command_CompleteWorkflowExecutionCommandAttributes{
			CompleteWorkflowExecutionCommandAttributes: &command.CompleteWorkflowExecutionCommandAttributes{},
		},
	}
}
