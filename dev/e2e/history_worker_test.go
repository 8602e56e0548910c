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

// makeHistory makes a closed run of so many events. It is the run's worker itself, past any SDK: it answers each workflow
// task with a slice of markers and takes the next task with the answer, so that a slice costs one call. All markers in
// one slice would be too large for the server.
func makeHistory(t *testing.T, events, slice int) started {
	t.Helper()
	began := time.Now()
	s, task := pollTask(t)
	for {
		// An answer is an event itself, and so are the next task's schedule and start, or the run's end.
		left := events - int(task.GetStartedEventId()) - 2
		if left <= slice {
			respond(t, task, append(markers(left), completion()), false)
			t.Logf("made %d events in %s", events, time.Since(began).Round(time.Millisecond))
			return s
		}
		// Three events go with a slice: the last answer must not be left with less than nothing.
		task = respond(t, task, markers(min(slice, left-3)), true)
	}
}

// pollTask starts a run and takes its first workflow task.
func pollTask(t *testing.T) (started, *workflowservice.PollWorkflowTaskQueueResponse) {
	t.Helper()
	queue := "queue-" + newID(t)
	s := as[started](t, writer().post(t, workflows, startBody("Long", newID(t), queue)).expect(t, http.StatusCreated))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // the server does not take a poll without one
	defer cancel()
	task, err := shared.server.PollWorkflowTaskQueue(ctx, &workflowservice.PollWorkflowTaskQueueRequest{
		Namespace: temporal.DefaultNamespace,
		TaskQueue: &taskqueue.TaskQueue{Name: queue, Kind: enums.TASK_QUEUE_KIND_NORMAL},
	})
	require.NoError(t, err)
	require.NotEmpty(t, task.GetTaskToken())
	return s, task
}

// respond answers a task, and takes the next one when there shall be one.
func respond(
	t *testing.T, task *workflowservice.PollWorkflowTaskQueueResponse, commands []*command.Command, next bool,
) *workflowservice.PollWorkflowTaskQueueResponse {
	t.Helper()
	response, err := shared.server.RespondWorkflowTaskCompleted(t.Context(), &workflowservice.RespondWorkflowTaskCompletedRequest{
		Namespace: temporal.DefaultNamespace, TaskToken: task.GetTaskToken(), Commands: commands,
		ReturnNewWorkflowTask: next, ForceCreateNewWorkflowTask: next,
		// The task of a sticky queue comes with what is new of the history; any other would come with all of it.
		StickyAttributes: &taskqueue.StickyExecutionAttributes{
			WorkerTaskQueue:        &taskqueue.TaskQueue{Name: "sticky-" + t.Name(), Kind: enums.TASK_QUEUE_KIND_STICKY, NormalName: "queue"},
			ScheduleToStartTimeout: durationpb.New(time.Minute),
		},
	})
	require.NoError(t, err)
	require.Equal(t, next, response.GetWorkflowTask() != nil)
	return response.GetWorkflowTask()
}

// markers are commands that add an event each, and do nothing.
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

// completion is the command that ends the run.
func completion() *command.Command {
	return &command.Command{
		CommandType: enums.COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION,
		Attributes: &command.Command_CompleteWorkflowExecutionCommandAttributes{
			CompleteWorkflowExecutionCommandAttributes: &command.CompleteWorkflowExecutionCommandAttributes{},
		},
	}
}
