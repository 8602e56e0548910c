package temporalhttp_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/command/v1"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
)

// pendingActivity prepares a workflow with a scheduled activity. There is no worker, so the activity does not start.
func pendingActivity(s *fixture) {
	workflowWithoutWorker(s)
	s.set("activity", "chore")
	hour := durationpb.New(time.Hour)
	s.completeWorkflowTask(&command.Command{
		CommandType: enums.COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK,
		Attributes: &command.Command_ScheduleActivityTaskCommandAttributes{
			ScheduleActivityTaskCommandAttributes: &command.ScheduleActivityTaskCommandAttributes{
				ActivityId:             "chore",
				ActivityType:           &common.ActivityType{Name: "Chore"},
				TaskQueue:              &taskqueue.TaskQueue{Name: s.id()},
				ScheduleToCloseTimeout: hour,
				StartToCloseTimeout:    hour,
				HeartbeatTimeout:       hour,
			},
		},
	})
}

// startedActivity prepares an activity that has started. It is a standalone activity if the binding is for standalone
// activities, and otherwise an activity of a workflow.
func startedActivity(s *fixture) {
	if s.isStandalone() {
		standaloneActivity(s)
	} else {
		pendingActivity(s)
	}
	s.startActivity()
}

// canceledActivity prepares a started activity with a cancellation request.
func canceledActivity(s *fixture) {
	startedActivity(s)
	if s.isStandalone() {
		s.call(http.MethodPost, activityPath+"/cancel", `{"requestId":"${id}-cancel","reason":"enough"}`)
		return
	}
	const scheduledEventID = 5 // of the activity, in the history that pendingActivity creates
	s.call(http.MethodPost, workflow+"/signal/poke", `{}`)
	s.completeWorkflowTask(&command.Command{
		CommandType: enums.COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK,
		Attributes: &command.Command_RequestCancelActivityTaskCommandAttributes{
			RequestCancelActivityTaskCommandAttributes: &command.RequestCancelActivityTaskCommandAttributes{ScheduledEventId: scheduledEventID},
		},
	})
}

// isStandalone reports whether the binding of the fixture is for standalone activities.
func (s *fixture) isStandalone() bool {
	return strings.Contains(s.binding.template, "{namespace}/activities/")
}

// activityPath is the path of a standalone activity.
const activityPath = "/namespaces/default/activities/${id}"

// standaloneActivity starts a standalone activity on a task queue without a worker.
func standaloneActivity(s *fixture) {
	s.set("activity", s.id())
	s.set("run", s.call(http.MethodPost, activityPath,
		`{"activityType":{"name":"Chore"},"taskQueue":{"name":"${id}"},"startToCloseTimeout":"3600s","heartbeatTimeout":"3600s",
			"scheduleToCloseTimeout":"7200s","requestId":"${id}-first","input":[{"a":1}],"retryPolicy":{"maximumAttempts":3}}`)["runId"])
}

// completeWorkflowTask polls for a workflow task of the fixture's workflow and completes it with the commands.
func (s *fixture) completeWorkflowTask(commands ...*command.Command) {
	s.Helper()
	queue := &taskqueue.TaskQueue{Name: s.id(), Kind: enums.TASK_QUEUE_KIND_NORMAL}
	ctx, cancel := context.WithTimeout(s.Context(), e2etest.Timeout)
	defer cancel()
	task, err := shared.server.PollWorkflowTaskQueue(ctx, &workflowservice.PollWorkflowTaskQueueRequest{
		Namespace: "default", TaskQueue: queue, Identity: "tester",
	})
	require.NoError(s, err)
	require.NotEmpty(s, task.GetTaskToken(), "no workflow task")
	_, err = shared.server.RespondWorkflowTaskCompleted(ctx, &workflowservice.RespondWorkflowTaskCompletedRequest{
		Namespace: "default", TaskToken: task.GetTaskToken(), Commands: commands, Identity: "tester",
	})
	require.NoError(s, err)
}

// startActivity polls for the activity task of the fixture, which starts the activity, and stores the task token.
func (s *fixture) startActivity() {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), e2etest.Timeout)
	defer cancel()
	task, err := shared.server.PollActivityTaskQueue(ctx, &workflowservice.PollActivityTaskQueueRequest{
		Namespace: "default", TaskQueue: &taskqueue.TaskQueue{Name: s.id()}, Identity: "tester",
	})
	require.NoError(s, err)
	require.NotEmpty(s, task.GetTaskToken(), "no activity task")
	s.vars["token"] = base64.StdEncoding.EncodeToString(task.GetTaskToken())
}

func queryEscape(text string) string { return url.QueryEscape(text) }
