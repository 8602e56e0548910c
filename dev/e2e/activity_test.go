package e2e_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
	"github.com/flowgate/flowgate/dev/sample"
)

type (
	startedActivity struct {
		ActivityID, RunID, Status, RetryState string

		Started bool
		Result  json.RawMessage
		Failure *failure
	}

	standaloneActivity struct {
		ActivityID, RunID, ActivityType, TaskQueue, Status, RunState, ScheduleTime, CloseTime string

		ScheduleToCloseTimeout, ScheduleToStartTimeout, StartToCloseTimeout, HeartbeatTimeout string
		Summary, CancelReason, StartDelay, ExecutionTime                                      string

		Attempt                int
		Args, HeartbeatDetails []json.RawMessage
		SearchAttributes       map[string]attribute
		Priority, RetryPolicy  json.RawMessage
		LastFailure            *failure
	}
)

// activityBody returns the request body that starts an activity without a workflow. fields are additional members.
func activityBody(activityType, activityID, taskQueue string, fields ...string) string {
	members := []string{
		`"activityType":` + quote(activityType), `"activityId":` + quote(activityID), `"taskQueue":` + quote(taskQueue), `"startToCloseTimeout":"1h"`,
	}
	return "{" + strings.Join(append(members, fields...), ",") + "}"
}

func activityPath(activityID string, rest ...string) string {
	return activities + "/" + url.PathEscape(activityID) + strings.Join(rest, "")
}

// startPending starts an activity that its worker leaves open, and waits until it is running.
func startPending(t *testing.T) startedActivity {
	t.Helper()
	s := as[startedActivity](t, writer().post(t, activities, activityBody(sample.ApproveActivity, newID(t), sample.TaskQueue)).expect(t, http.StatusCreated))
	e2etest.Eventually(t, "the activity is running", func() bool { return len(describeStandalone(t, s.ActivityID).HeartbeatDetails) == 1 })
	return s
}

func describeStandalone(t *testing.T, activityID string) standaloneActivity {
	t.Helper()
	return as[standaloneActivity](t, reader().get(t, activityPath(activityID)).expect(t, http.StatusOK))
}

func TestActivityWithoutWorkflowIsExecuted(t *testing.T) {
	t.Parallel()
	body := activityBody("charge", newID(t)+"/1", sample.TaskQueue, `"args":[{"orderId":"o","card":"visa","amount":1999}]`)
	a := writer().post(t, activities+"?wait=30s", body).expect(t, http.StatusOK)
	s := as[startedActivity](t, a)
	require.Equal(t, "COMPLETED", s.Status, "%s", a.body)
	require.True(t, s.Started)
	require.NotContains(t, string(a.body), `"result"`, "the activity returns no value")
	result := as[startedActivity](t, reader().get(t, activities+"/-/result?activityId="+url.QueryEscape(s.ActivityID)+"&runId="+s.RunID).expect(t, http.StatusOK))
	require.Equal(t, []string{s.RunID, "COMPLETED"}, []string{result.RunID, result.Status})

	declined := strings.Replace(strings.Replace(body, "visa", "declined", 1), "/1", "/2", 1)
	s = as[startedActivity](t, writer().post(t, activities+"?wait=30s", declined).expect(t, http.StatusOK))
	require.Equal(t, []string{"FAILED", "PaymentDeclined", "NON_RETRYABLE_FAILURE"}, []string{s.Status, s.Failure.Type, s.RetryState})
	require.Contains(t, string(s.Failure.Details[0]), `"amount":1999`)
}

func TestActivityDescriptionHasStartOptions(t *testing.T) {
	t.Parallel()
	id := newID(t)
	fields := []string{
		`"args":[1.10,"two"]`, `"scheduleToCloseTimeout":"2h"`, `"scheduleToStartTimeout":"30m"`, `"heartbeatTimeout":"10s"`, `"summary":"Charge"`,
		`"retryPolicy":{"maximumAttempts":3}`, `"searchAttributes":{"CustomerId":` + quote(id) + `}`, `"priority":{"priorityKey":2}`, `"startDelay":"1m"`,
	}
	writer().post(t, activities, activityBody("charge", id, "unpolled-"+id, fields...)).expect(t, http.StatusCreated)
	d := describeStandalone(t, id)
	require.Equal(t, []string{id, "charge", "unpolled-" + id, "RUNNING", "SCHEDULED", "7200s", "1800s", "3600s", "10s", "Charge", "60s"}, []string{
		d.ActivityID, d.ActivityType, d.TaskQueue, d.Status, d.RunState, d.ScheduleToCloseTimeout, d.ScheduleToStartTimeout, d.StartToCloseTimeout,
		d.HeartbeatTimeout, d.Summary, d.StartDelay,
	})
	require.Equal(t, []json.RawMessage{json.RawMessage("1.10"), json.RawMessage(`"two"`)}, d.Args)
	require.JSONEq(t, `{"priorityKey":2}`, string(d.Priority))
	require.Contains(t, string(d.RetryPolicy), `"maximumAttempts":3`)
	require.Equal(t, quote(id), string(d.SearchAttributes["CustomerId"].Value))

	query := "?query=" + url.QueryEscape(`CustomerId = "`+id+`"`)
	e2etest.Eventually(t, "the activity is listed", func() bool {
		page := as[struct{ Activities []standaloneActivity }](t, reader().get(t, activities+query).expect(t, http.StatusOK))
		return len(page.Activities) == 1 && page.Activities[0].ActivityID == id && page.Activities[0].TaskQueue == d.TaskQueue
	})
	line := as[standaloneActivity](t, reader().with("Accept", typeNDJSON).get(t, activities+query+"&limit=1").expect(t, http.StatusOK))
	require.Equal(t, []string{id, "RUNNING"}, []string{line.ActivityID, line.Status})
	require.JSONEq(t, `{"count":1}`, string(reader().get(t, activities+":count"+query).expect(t, http.StatusOK).body))
	reader().get(t, activities+"?query=Nothing%3D1").problem(t, http.StatusBadRequest, "invalid-request")

	writer().post(t, activityPath(id, "/terminate"), `{"reason":"enough"}`).expect(t, http.StatusNoContent)
	o := as[startedActivity](t, reader().get(t, activityPath(id, "/result")).expect(t, http.StatusOK))
	require.Equal(t, []string{"TERMINATED", "terminated", "enough"}, []string{o.Status, o.Failure.Kind, o.Failure.Message})
	writer().post(t, activityPath(id, "/terminate"), "").problem(t, http.StatusConflict, "activity-completed")
	writer().post(t, activityPath(id, "/cancel"), "").problem(t, http.StatusConflict, "activity-completed")
}

func TestActivityWithoutWorkflowIsReportedByID(t *testing.T) {
	t.Parallel()
	s := startPending(t)
	body := `{"activityId":` + quote(s.ActivityID) + `,"runId":` + quote(s.RunID)
	require.Equal(t, heartbeatState{}, as[heartbeatState](t, writer().post(t, activities+":heartbeat", body+`,"details":[1.10]}`).expect(t, http.StatusOK)))
	require.Equal(t, "1.10", string(describeStandalone(t, s.ActivityID).HeartbeatDetails[0]))
	pending := reader().get(t, activityPath(s.ActivityID, "/result?wait=1s")).expect(t, http.StatusAccepted)
	require.Equal(t, "RUNNING", as[startedActivity](t, pending).Status)
	report(t, ":complete", body+`,"result":{"by":"ann"}}`)
	o := as[startedActivity](t, reader().get(t, pending.header.Get("Location")+"&wait=10s").expect(t, http.StatusOK))
	require.JSONEq(t, `{"by":"ann"}`, string(o.Result))
	writer().post(t, activities+":complete", body+`}`).problem(t, http.StatusConflict, "activity-completed")
	writer().post(t, activities+":heartbeat", body+`}`).problem(t, http.StatusNotFound, "activity-not-found")
}

func TestActivityWithoutWorkflowIsCancelled(t *testing.T) {
	t.Parallel()
	s := startPending(t)
	withKey := writer().with("Idempotency-Key", newID(t))
	for range 2 {
		withKey.post(t, activityPath(s.ActivityID, "/cancel"), `{"reason":"the customer left"}`).expect(t, http.StatusNoContent)
	}
	writer().post(t, activityPath(s.ActivityID, "/cancel"), "").problem(t, http.StatusConflict, "conflict")
	d := describeStandalone(t, s.ActivityID)
	require.Equal(t, []string{"CANCEL_REQUESTED", "the customer left"}, []string{d.RunState, d.CancelReason})
	body := `{"activityId":` + quote(s.ActivityID) + `}`
	require.True(t, as[heartbeatState](t, writer().post(t, activities+":heartbeat", body)).CancelRequested)
	report(t, ":reportCancellation", body)
	require.Equal(t, "CANCELED", as[startedActivity](t, reader().get(t, activityPath(s.ActivityID, "/result?wait=10s")).expect(t, http.StatusOK)).Status)
}

func TestActivityIDPoliciesApply(t *testing.T) {
	t.Parallel()
	id := newID(t)
	body := func(fields ...string) string { return activityBody("charge", id, "unpolled-"+id, fields...) }
	withKey := writer().with("Idempotency-Key", id)
	first := as[startedActivity](t, withKey.post(t, activities, body()).expect(t, http.StatusCreated))
	again := withKey.post(t, activities, body())
	require.Contains(t, []int{http.StatusOK, http.StatusCreated}, again.status, "%s", again.body)
	require.Equal(t, first.RunID, as[startedActivity](t, again).RunID)
	require.Equal(t, first.RunID, writer().post(t, activities, body()).problem(t, http.StatusConflict, "activity-already-started").RunID)
	existing := as[startedActivity](t, writer().post(t, activities, body(`"idConflictPolicy":"USE_EXISTING"`)).expect(t, http.StatusOK))
	require.Equal(t, []any{first.RunID, false}, []any{existing.RunID, existing.Started})
	writer().post(t, activityPath(id, "/terminate"), "").expect(t, http.StatusNoContent)
	writer().post(t, activities, body(`"idReusePolicy":"REJECT_DUPLICATE"`)).problem(t, http.StatusConflict, "activity-already-started")
	next := as[startedActivity](t, writer().post(t, activities, body()).expect(t, http.StatusCreated))
	require.NotEqual(t, first.RunID, next.RunID)
	writer().post(t, activityPath(id, "/terminate?runId=")+first.RunID, "").problem(t, http.StatusConflict, "activity-completed")
	writer().post(t, activityPath(id, "/terminate"), "").expect(t, http.StatusNoContent)
	for _, path := range []string{"/unknown-" + id, "/unknown-" + id + "/result", "/" + id + "?runId=0198f3c2-5f0e-7c3a-9d52-3f1f7a2b6c01"} {
		reader().get(t, activities+path).problem(t, http.StatusNotFound, "activity-not-found")
	}
	for _, path := range []string{"/cancel", "/terminate"} {
		writer().post(t, activityPath("unknown-"+id, path), "").problem(t, http.StatusNotFound, "activity-not-found")
		reader().post(t, activityPath(id, path), "").problem(t, http.StatusForbidden, "operation-forbidden")
	}
}
