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

// makeHistory creates a closed run with the given number of events. It is the run's worker without an SDK: it completes
// each workflow task with a batch of markers and receives the next task in the same call, so that a batch costs one
// call. All markers in one batch would be too large for the server.
func makeHistory(t *testing.T, events, slice int) started {
	t.Helper()
	began := time.Now()
	s, task := pollTask(t)
	for {
		// The completion is an event, and so are the next task's schedule and start, or the run's end.
		left := events - int(task.GetStartedEventId()) - 2
		if left <= slice {
			respond(t, task, append(markers(left), completion()), false)
			t.Logf("created %d events in %s", events, time.Since(began).Round(time.Millisecond))
			return s
		}
		// A batch adds three events: the last batch must not have a negative number of markers.
		task = respond(t, task, markers(min(slice, left-3)), true)
	}
}

// pollTask starts a run and polls its first workflow task.
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

// respond completes a task and returns the next one if requested.
func respond(
	t *testing.T, task *workflowservice.PollWorkflowTaskQueueResponse, commands []*command.Command, next bool,
) *workflowservice.PollWorkflowTaskQueueResponse {
	t.Helper()
	response, err := shared.server.RespondWorkflowTaskCompleted(t.Context(), &workflowservice.RespondWorkflowTaskCompletedRequest{
		Namespace: temporal.DefaultNamespace, TaskToken: task.GetTaskToken(), Commands: commands,
		ReturnNewWorkflowTask: next, ForceCreateNewWorkflowTask: next,
		// A task of a sticky queue contains only new events; any other would contain the whole history.
		StickyAttributes: &taskqueue.StickyExecutionAttributes{
			WorkerTaskQueue:        &taskqueue.TaskQueue{Name: "sticky-" + t.Name(), Kind: enums.TASK_QUEUE_KIND_STICKY, NormalName: "queue"},
			ScheduleToStartTimeout: durationpb.New(time.Minute),
		},
	})
	require.NoError(t, err)
	require.Equal(t, next, response.GetWorkflowTask() != nil)
	return response.GetWorkflowTask()
}

// markers returns commands that only add an event each.
func markers(n int) []*command.Command {
	details := map[string]*common.Payloads{"data": {Payloads: []*common.Payload{{
		Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(unusualValue),
	}}}}
	commands := make([]*command.Command, n)
	for i := range commands {
		commands[i] = &command.Command{
			CommandType: enums.COMMAND_TYPE_RECORD_MARKER,
			Attributes: &command.Command_RecordMarkerCommandAttributes{
				RecordMarkerCommandAttributes: &command.RecordMarkerCommandAttributes{MarkerName: "slice", Details: details},
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
