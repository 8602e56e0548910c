package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
	"github.com/flowgate/flowgate/dev/sample"
)

const activities = "/v1/namespaces/default/activities"

type heartbeatState struct{ CancelRequested, ActivityPaused, ActivityReset bool }

// approval is an activity that waits to be completed from outside of its worker.
type approval struct {
	started

	token string // in base64
}

// startApproval starts a workflow of the given type and waits until its activity has a heartbeat with the task token.
func startApproval(t *testing.T, workflowType string) approval {
	t.Helper()
	a := approval{started: start(t, workflowType)}
	e2etest.Eventually(t, "the activity is running", func() bool {
		pending := describe(t, a.WorkflowID).PendingActivities
		if len(pending) != 1 || len(pending[0].HeartbeatDetails) != 1 {
			return false
		}
		var task sample.ApprovalTask
		require.NoError(t, json.Unmarshal(pending[0].HeartbeatDetails[0], &task))
		a.token = task.TaskToken
		return true
	})
	return a
}

// byToken and byID return a request body that identifies the activity. fields are additional JSON members.
func (a approval) byToken(fields ...string) string {
	return "{" + strings.Join(append([]string{`"taskToken":` + quote(a.token)}, fields...), ",") + "}"
}

func (a approval) byID(fields ...string) string {
	ids := []string{
		`"workflowId":` + quote(a.WorkflowID), `"runId":` + quote(a.RunID), `"activityId":` + quote(sample.ApproveActivity),
	}
	return "{" + strings.Join(append(ids, fields...), ",") + "}"
}

// report sends a report about an activity, which the server must accept.
func report(t *testing.T, path, body string) {
	t.Helper()
	writer().post(t, activities+path, body).expect(t, http.StatusNoContent)
}

func TestActivityIsCompletedByTaskToken(t *testing.T) {
	t.Parallel()
	a := startApproval(t, "Approval")
	state := as[heartbeatState](t, writer().post(t, activities+":heartbeat", a.byToken(`"details":[1.10]`)).expect(t, http.StatusOK))
	require.Equal(t, heartbeatState{}, state)
	require.Equal(t, []json.RawMessage{json.RawMessage("1.10")}, describe(t, a.WorkflowID).PendingActivities[0].HeartbeatDetails)
	report(t, ":complete", a.byToken(`"result":{"by":"ann","amount":12345678901234567890}`))
	require.Equal(t, `{"by":"ann","amount":12345678901234567890}`, string(awaitOutcome(t, a.WorkflowID).Result))
	for path, fields := range map[string]string{":heartbeat": `"details":[]`, ":complete": `"result":1`, ":fail": `"failure":{"message":"m"}`} {
		writer().post(t, activities+path, a.byToken(fields)).problem(t, http.StatusConflict, "workflow-completed")
	}
}

func TestActivityIsCompletedByID(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string]struct {
		result  string
		payload []byte
	}{
		``:                    {},
		`"result":null`:       {result: "null"},
		`"result":[1e400,{}]`: {result: "[1e400,{}]"},
		`"resultPayload":{"metadata":{"encoding":"YmluYXJ5L3BsYWlu"},"data":"AAE="}`: {payload: []byte{0, 1}},
	} {
		t.Run(fields, func(t *testing.T) {
			t.Parallel()
			a := startApproval(t, "Approval")
			state := as[heartbeatState](t, writer().post(t, activities+":heartbeat", a.byID(`"details":["half"]`)).expect(t, http.StatusOK))
			require.Equal(t, heartbeatState{}, state)
			var members []string
			if fields != "" {
				members = []string{fields}
			}
			report(t, ":complete", a.byID(members...))
			o := awaitOutcome(t, a.WorkflowID)
			require.Equal(t, "COMPLETED", o.Status)
			require.Equal(t, want.result, string(o.Result))
			if want.payload != nil {
				require.Equal(t, want.payload, o.ResultPayload.Data)
			}
		})
	}
}

// The same failure is returned by a Go SDK worker and reported over HTTP, by token and by id. The workflow of the Go SDK
// must find the same typed error each time.
func TestReportedFailureIsTheErrorOfAnSDKWorker(t *testing.T) {
	t.Parallel()
	type observed = sample.ObservedFailure
	cause := &observed{Message: "insufficient funds", Type: "Funds", NextRetryDelay: "0s", Details: []any{true, nil, nil}, Cause: &observed{
		Message: "root", NonRetryable: true, NextRetryDelay: "0s",
	}}
	for name, test := range map[string]struct {
		failure sample.WorkerFailure
		want    observed
	}{
		"only a message": {sample.WorkerFailure{Message: "declined"}, observed{Message: "declined", NextRetryDelay: "0s"}},
		"a type":         {sample.WorkerFailure{Message: "m", Type: "PaymentDeclined"}, observed{Message: "m", Type: "PaymentDeclined", NextRetryDelay: "0s"}},
		"not retryable":  {sample.WorkerFailure{Message: "m", NonRetryable: true}, observed{Message: "m", NonRetryable: true, NextRetryDelay: "0s", RetryState: "NonRetryableFailure"}},
		"details": {
			sample.WorkerFailure{Message: "m", Details: []any{"one", map[string]any{"two": 2.5}, nil}},
			observed{Message: "m", Details: []any{"one", map[string]any{"two": 2.5}, nil}, NextRetryDelay: "0s"},
		},
		"a retry delay": {sample.WorkerFailure{Message: "m", NextRetryDelay: "1m30s"}, observed{Message: "m", NextRetryDelay: "1m30s"}},
		"benign":        {sample.WorkerFailure{Message: "m", Benign: true}, observed{Message: "m", Benign: true, NextRetryDelay: "0s"}},
		"causes": {
			sample.WorkerFailure{Message: "m", Cause: &sample.WorkerFailure{
				Message: "insufficient funds", Type: "Funds", Details: []any{true}, Cause: &sample.WorkerFailure{Message: "root", NonRetryable: true},
			}},
			observed{Message: "m", NextRetryDelay: "0s", Cause: cause},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.want.ActivityType, test.want.ActivityID = sample.ApproveActivity, sample.ApproveActivity
			if test.want.RetryState == "" {
				test.want.RetryState = "MaximumAttemptsReached"
			}
			input, err := json.Marshal(test.failure)
			require.NoError(t, err)
			body := string(input)
			if test.failure.Benign {
				body = strings.Replace(body, `"benign":true`, `"category":"BENIGN"`, 1)
			}
			fromWorker := start(t, "ObserveFailure", `"args":[`+string(input)+`]`)
			byToken, byID := startApproval(t, "ObserveFailure"), startApproval(t, "ObserveFailure")
			report(t, ":fail", byToken.byToken(`"failure":`+body))
			report(t, ":fail", byID.byID(`"failure":`+body))
			want, err := json.Marshal(test.want)
			require.NoError(t, err)
			for _, workflowID := range []string{fromWorker.WorkflowID, byToken.WorkflowID, byID.WorkflowID} {
				require.JSONEq(t, string(want), string(awaitOutcome(t, workflowID).Result), workflowID)
			}
		})
	}
}

// What the Go SDK does not show, the outcome of the workflow does.
func TestReportedFailureHasItsStackTraceAndPayloads(t *testing.T) {
	t.Parallel()
	a := startApproval(t, "Approval")
	report(t, ":fail", a.byToken(`"failure":{"message":"declined","stackTrace":"at pay.js:7",
		"detailPayloads":[{"json":1.10},{"metadata":{"encoding":"YmluYXJ5L3BsYWlu"},"data":"AAE="}]},"lastHeartbeatDetails":["half"]`))
	o := awaitOutcome(t, a.WorkflowID)
	require.Equal(t, "FAILED", o.Status)
	raw := writer().get(t, workflowPath(a.WorkflowID, "/result")).expect(t, http.StatusOK).body
	require.Contains(t, string(raw), `"stackTrace":"at pay.js:7"`)
	application := o.Failure.Cause
	require.Equal(t, []string{"activity", "application", "declined"}, []string{o.Failure.Kind, application.Kind, application.Message})
	require.Equal(t, "1.10", string(application.DetailPayloads[0].JSON))
	require.Equal(t, []byte{0, 1}, application.DetailPayloads[1].Data)
}

func TestActivityIsCancelledFromOutside(t *testing.T) {
	t.Parallel()
	a := startApproval(t, "Approval")
	for _, body := range []string{a.byToken(), a.byID()} {
		writer().post(t, activities+":reportCancellation", body).problem(t, http.StatusConflict, "conflict")
	}
	writer().post(t, workflowPath(a.WorkflowID, "/cancel"), "").expect(t, http.StatusNoContent)
	e2etest.Eventually(t, "the cancellation is requested", func() bool {
		return as[heartbeatState](t, writer().post(t, activities+":heartbeat", a.byToken()).expect(t, http.StatusOK)).CancelRequested
	})
	report(t, ":reportCancellation", a.byToken(`"details":["the cart is empty"]`))
	require.Equal(t, "CANCELED", awaitOutcome(t, a.WorkflowID).Status)

	byID := startApproval(t, "Approval")
	writer().post(t, workflowPath(byID.WorkflowID, "/cancel"), "").expect(t, http.StatusNoContent)
	e2etest.Eventually(t, "the cancellation can be reported", func() bool {
		return writer().post(t, activities+":reportCancellation", byID.byID()).status == http.StatusNoContent
	})
	require.Equal(t, "CANCELED", awaitOutcome(t, byID.WorkflowID).Status)
}

func TestHeartbeatReportsPauseAndReset(t *testing.T) {
	t.Parallel()
	a := startApproval(t, "Approval")
	execution := &common.WorkflowExecution{WorkflowId: a.WorkflowID, RunId: a.RunID}
	_, err := shared.server.PauseActivity(t.Context(), &workflowservice.PauseActivityRequest{
		Namespace: "default", Execution: execution, Activity: &workflowservice.PauseActivityRequest_Id{Id: sample.ApproveActivity},
	})
	require.NoError(t, err)
	require.Equal(t, heartbeatState{ActivityPaused: true}, as[heartbeatState](t, writer().post(t, activities+":heartbeat", a.byToken())))
	_, err = shared.server.ResetActivity(t.Context(), &workflowservice.ResetActivityRequest{
		Namespace: "default", Execution: execution, Activity: &workflowservice.ResetActivityRequest_Id{Id: sample.ApproveActivity}, KeepPaused: true,
	})
	require.NoError(t, err)
	require.Equal(t, heartbeatState{ActivityPaused: true, ActivityReset: true},
		as[heartbeatState](t, writer().post(t, activities+":heartbeat", a.byID())))
	terminate(t, a.WorkflowID)
}

func TestReportAboutAnUnknownActivityIsNotFound(t *testing.T) {
	t.Parallel()
	a := startApproval(t, "Approval")
	other, stale := a, a
	token, err := base64.StdEncoding.DecodeString(a.token)
	require.NoError(t, err)
	// Another run, in the token: a repeated field replaces the first one.
	stale.token = base64.StdEncoding.EncodeToString(append(token, append([]byte{3<<3 | 2, 36}, "0198f3c2-5f0e-7c3a-9d52-3f1f7a2b6c01"...)...))
	other.RunID = "0198f3c2-5f0e-7c3a-9d52-3f1f7a2b6c01"
	for path, fields := range map[string]string{
		":heartbeat": `"details":[]`, ":complete": `"result":1`, ":fail": `"failure":{"message":"m"}`, ":reportCancellation": `"details":[]`,
	} {
		unknown := strings.Replace(a.byID(fields), quote(sample.ApproveActivity), `"unknown"`, 1)
		p := writer().post(t, activities+path, unknown).problem(t, http.StatusNotFound, "activity-not-found")
		require.Equal(t, a.WorkflowID, p.WorkflowID)
		writer().post(t, activities+path, other.byID(fields)).problem(t, http.StatusNotFound, "workflow-not-found")
		writer().post(t, activities+path, stale.byToken(fields)).expect(t, http.StatusNotFound)
		writer().post(t, activities+path, `{"activityId":`+quote(newID(t))+`,`+fields+`}`).problem(t, http.StatusNotFound, "activity-not-found")
	}
	terminate(t, a.WorkflowID)
}

// The token is valid in its own namespace, and the caller has the role write in both.
func TestTaskTokenOfAnotherNamespaceIsRejected(t *testing.T) {
	t.Parallel()
	a := startApproval(t, "Approval")
	for path, fields := range map[string]string{
		":heartbeat": `"details":[]`, ":complete": `"result":1`, ":fail": `"failure":{"message":"m"}`, ":reportCancellation": `"details":[]`,
	} {
		elsewhere := strings.Replace(activities, "default", otherNamespace, 1) + path
		bearer(threeNamespacesKey).post(t, elsewhere, a.byToken(fields)).problem(t, http.StatusBadRequest, "namespace-mismatch")
		reader().post(t, activities+path, a.byToken(fields)).problem(t, http.StatusForbidden, "operation-forbidden")
		writer().post(t, elsewhere, a.byToken(fields)).problem(t, http.StatusForbidden, "namespace-forbidden")
		writer().post(t, activities+path, `{"taskToken":"AAAA",`+fields+`}`).problem(t, http.StatusBadRequest, "invalid-request")
	}
	report(t, ":complete", a.byToken())
	require.Equal(t, "COMPLETED", awaitOutcome(t, a.WorkflowID).Status)
}
