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
)

// pendingActivity has a workflow schedule an activity, with the test as the worker: it stays as the test leaves it.
func pendingActivity(s *fixture) {
	unpolled(s)
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

// startedActivity is an activity that the test has begun: of a workflow, or without one where the binding has none.
func startedActivity(s *fixture) {
	if s.withoutWorkflow() {
		standalone(s)
	} else {
		pendingActivity(s)
	}
	s.startActivity()
}

// canceledActivity is held, and asked to end.
func canceledActivity(s *fixture) {
	startedActivity(s)
	if s.withoutWorkflow() {
		s.call(http.MethodPost, activityPath+"/cancel", `{"requestId":"${id}-cancel","reason":"enough"}`)
		return
	}
	const scheduled = 5
	s.call(http.MethodPost, workflow+"/signal/poke", `{}`)
	s.completeWorkflowTask(&command.Command{
		CommandType: enums.COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK,
		Attributes: &command.Command_RequestCancelActivityTaskCommandAttributes{
			RequestCancelActivityTaskCommandAttributes: &command.RequestCancelActivityTaskCommandAttributes{ScheduledEventId: scheduled},
		},
	})
}

// withoutWorkflow says that the binding is about an activity of no workflow.
func (s *fixture) withoutWorkflow() bool {
	return strings.Contains(s.binding.template, "{namespace}/activities/")
}

// activityPath is the path of an activity without a workflow.
const activityPath = "/namespaces/default/activities/${id}"

// standalone starts an activity without a workflow, on a task queue that nobody polls.
func standalone(s *fixture) {
	s.set("activity", s.id())
	s.set("run", s.call(http.MethodPost, activityPath,
		`{"activityType":{"name":"Chore"},"taskQueue":{"name":"${id}"},"startToCloseTimeout":"3600s","heartbeatTimeout":"3600s",
			"scheduleToCloseTimeout":"7200s","requestId":"${id}-first","input":[{"a":1}],"retryPolicy":{"maximumAttempts":3}}`)["runId"])
}

// completeWorkflowTask answers the workflow task of the scene's workflow.
func (s *fixture) completeWorkflowTask(commands ...*command.Command) {
	s.Helper()
	queue := &taskqueue.TaskQueue{Name: s.id(), Kind: enums.TASK_QUEUE_KIND_NORMAL}
	ctx, cancel := context.WithTimeout(s.Context(), timeout)
	defer cancel()
	task, err := shared.server.PollWorkflowTaskQueue(ctx, &workflowservice.PollWorkflowTaskQueueRequest{
		Namespace: "default", TaskQueue: queue, Identity: "hands",
	})
	require.NoError(s, err)
	require.NotEmpty(s, task.GetTaskToken(), "there was no workflow task")
	_, err = shared.server.RespondWorkflowTaskCompleted(ctx, &workflowservice.RespondWorkflowTaskCompletedRequest{
		Namespace: "default", TaskToken: task.GetTaskToken(), Commands: commands, Identity: "hands",
	})
	require.NoError(s, err)
}

// startActivity begins the scene's activity and keeps its token.
func (s *fixture) startActivity() {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), timeout)
	defer cancel()
	task, err := shared.server.PollActivityTaskQueue(ctx, &workflowservice.PollActivityTaskQueueRequest{
		Namespace: "default", TaskQueue: &taskqueue.TaskQueue{Name: s.id()}, Identity: "hands",
	})
	require.NoError(s, err)
	require.NotEmpty(s, task.GetTaskToken(), "there was no activity task")
	s.vars["token"] = base64.StdEncoding.EncodeToString(task.GetTaskToken())
}

func escaped(text string) string { return url.QueryEscape(text) }
