package e2e_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
	"github.com/flowgate/flowgate/dev/sample"
)

const schedules = "/v1/namespaces/default/schedules"

// scheduleDescription is what the tests read of a schedule.
type scheduleDescription struct {
	ScheduleID string
	Schedule   struct {
		Action, Spec, Policy json.RawMessage
		State                struct {
			Note                   string
			Paused, LimitedActions bool
			RemainingActions       int
		}
	}
	Info             scheduleInfo
	Memo             json.RawMessage
	SearchAttributes json.RawMessage
}

type scheduleInfo struct {
	NumActions, NumActionsSkippedOverlap, BufferSize int

	RunningActions  []struct{ WorkflowID, FirstExecutionRunID string }
	RecentActions   []scheduleActionResult
	NextActionTimes []time.Time
}

type scheduleActionResult struct {
	ScheduledAt, StartedAt                  time.Time
	WorkflowID, FirstExecutionRunID, Status string
}

// schedulePath returns the path of a schedule, with rest appended.
func schedulePath(id string, rest ...string) string {
	return schedules + "/" + url.PathEscape(id) + strings.Join(rest, "")
}

// scheduledAction returns the action that starts a workflow of the sample worker. fields are additional JSON members.
func scheduledAction(workflowType, workflowID string, fields ...string) string {
	return `"action":` + startBody(workflowType, workflowID, sample.TaskQueue, fields...)
}

// createSchedule creates a schedule, which is deleted when the test ends. members are those of the schedule.
func createSchedule(t *testing.T, members ...string) (id string) {
	t.Helper()
	id = newID(t)
	response := writer().post(t, schedules, `{"scheduleId":`+quote(id)+`,"schedule":{`+strings.Join(members, ",")+`}}`)
	deleteScheduleAtEnd(t, response)
	return id
}

// createScheduleWith creates a schedule with the members of the request.
func createScheduleWith(t *testing.T, members string) {
	t.Helper()
	deleteScheduleAtEnd(t, writer().post(t, schedules, "{"+members+"}"))
}

func deleteScheduleAtEnd(t *testing.T, response apiResponse) {
	t.Helper()
	location := response.expect(t, http.StatusCreated).header.Get("Location")
	t.Cleanup(func() {
		_, _ = writer().send(context.Background(), http.MethodDelete, location, "") // the context of the test has ended
	})
}

func describeSchedule(t *testing.T, id string) scheduleDescription {
	t.Helper()
	return as[scheduleDescription](t, writer().get(t, schedulePath(id)).expect(t, http.StatusOK))
}

// awaitSchedule waits until the description of a schedule meets the condition, and returns it.
func awaitSchedule(t *testing.T, id, what string, condition func(scheduleDescription) bool) (d scheduleDescription) {
	t.Helper()
	e2etest.Eventually(t, what, func() bool {
		d = describeSchedule(t, id)
		return condition(d)
	})
	return d
}

// nextSecond waits for the next second, because the server appends the time of an action to its workflow id, in seconds.
func nextSecond(t *testing.T) {
	t.Helper()
	now := time.Now().Unix()
	e2etest.Eventually(t, "the next second", func() bool { return time.Now().Unix() > now })
}

// trigger triggers a schedule with an overlap policy.
func trigger(t *testing.T, id, overlap string) {
	t.Helper()
	nextSecond(t)
	writer().post(t, schedulePath(id, "/trigger"), `{"overlap":`+quote(overlap)+`}`).expect(t, http.StatusNoContent)
}
