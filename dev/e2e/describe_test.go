package e2e_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
	"github.com/flowgate/flowgate/dev/sample"
)

func TestDescriptionHasStartOptions(t *testing.T) {
	t.Parallel()
	begin := time.Now().Add(-time.Second) // the server may round its times
	s := startWithoutWorker(t, `"executionTimeout":"2h"`, `"runTimeout":"1h30m"`, `"taskTimeout":"7.5s"`, `"memo":{"channel":"web"}`,
		`"searchAttributes":{"CustomerId":{"type":"Keyword","value":"c-1"}}`,
		`"staticSummary":"Order <1>"`, `"staticDetails":"Two books for **c-1**."`,
		`"priority":{"priorityKey":2,"fairnessKey":"c-1","fairnessWeight":1.5}`)
	w := describe(t, s.WorkflowID)
	require.Equal(t, []string{s.WorkflowID, s.RunID, s.RunID, "Unpolled", "RUNNING"},
		[]string{w.WorkflowID, w.RunID, w.FirstExecutionRunID, w.WorkflowType, w.Status})
	require.Equal(t, serverStartedEvent(t, s).GetTaskQueue().GetName(), w.TaskQueue)
	require.Equal(t, []string{"7200s", "5400s"}, []string{w.ExecutionTimeout, w.RunTimeout})
	require.Contains(t, []string{"7.5s", "8s", "7s"}, w.TaskTimeout, "the server may round it")
	require.Equal(t, []string{"Order <1>", "Two books for **c-1**."}, []string{w.StaticSummary, w.StaticDetails})
	require.Equal(t, map[string]json.RawMessage{"channel": json.RawMessage(`"web"`)}, w.Memo)
	require.Equal(t, attribute{"Keyword", json.RawMessage(`"c-1"`)}, w.SearchAttributes["CustomerId"])
	require.JSONEq(t, `{"priorityKey":2,"fairnessKey":"c-1","fairnessWeight":1.5}`, string(w.Priority))
	require.Nil(t, w.Parent)
	require.Equal(t, &execution{WorkflowID: s.WorkflowID, RunID: s.RunID}, w.Root)
	require.Equal(t, "SCHEDULED", w.PendingWorkflowTask.State)
	require.Positive(t, w.HistoryLength)

	startTime := parseTime(t, w.StartTime)
	require.True(t, startTime.After(begin) && startTime.Before(time.Now().Add(time.Second)), "%s", startTime)
	require.WithinDuration(t, startTime.Add(2*time.Hour), parseTime(t, w.ExecutionExpirationTime), time.Second)
	require.WithinDuration(t, startTime.Add(90*time.Minute), parseTime(t, w.RunExpirationTime), time.Second)
	require.Empty(t, w.CloseTime)
	terminate(t, s.WorkflowID)
	closed := describe(t, s.WorkflowID)
	require.Equal(t, "TERMINATED", closed.Status)
	require.False(t, parseTime(t, closed.CloseTime).Before(startTime))
}

func parseTime(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	require.NoError(t, err)
	return at
}

func TestDescriptionListsPendingWork(t *testing.T) {
	t.Parallel()
	s := startParent(t)
	w := awaitIdleParent(t, s)
	pending := w.PendingActivities[0]
	require.Equal(t, []string{"failOnce", "SCHEDULED", "10s", testQueue},
		[]string{pending.ActivityType, pending.State, pending.StartToCloseTimeout, pending.LastWorkerIdentity})
	require.Regexp(t, `^3600(\.[0-9]+)?s$`, pending.CurrentRetryInterval)
	require.Equal(t, 2, pending.Attempt)
	require.Equal(t, []string{"application", "FirstAttempt", "the first attempt fails"},
		[]string{pending.LastFailure.Kind, pending.LastFailure.Type, pending.LastFailure.Message})
	require.Equal(t, []json.RawMessage{json.RawMessage(`{"done":3}`)}, pending.HeartbeatDetails)

	child := w.PendingChildren[0]
	require.Equal(t, []string{s.WorkflowID + "-child", "Wait", "TERMINATE"},
		[]string{child.WorkflowID, child.WorkflowType, child.ParentClosePolicy})
	terminate(t, s.WorkflowID)
}

func TestChildHasParent(t *testing.T) {
	t.Parallel()
	s := startParent(t)
	awaitIdleParent(t, s)
	child := describe(t, s.WorkflowID+"-child")
	want := &execution{WorkflowID: s.WorkflowID, RunID: s.RunID}
	require.Equal(t, want, child.Parent)
	require.Equal(t, want, child.Root)
	terminate(t, s.WorkflowID)
}

func TestDescriptionOfRunById(t *testing.T) {
	t.Parallel()
	s := start(t, "Chain", `"args":[{"times":1}]`)
	last := awaitOutcome(t, s.WorkflowID)
	first := as[workflow](t, writer().get(t, workflowPath(s.WorkflowID, runIDQuery(s.RunID))).expect(t, http.StatusOK))
	require.Equal(t, []string{s.RunID, "CONTINUED_AS_NEW"}, []string{first.RunID, first.Status})
	latest := describe(t, s.WorkflowID)
	require.Equal(t, []string{last.RunID, s.RunID, "COMPLETED"}, []string{latest.RunID, latest.FirstExecutionRunID, latest.Status})
}

func TestMetadataListsDetailsAndHandlers(t *testing.T) {
	t.Parallel()
	s := start(t, "Order", `"args":[{"orderId":"o-7","items":[{"sku":"book","quantity":2,"price":1250}]}]`)
	var m workflowMetadata
	e2etest.Eventually(t, "the order waits for approval", func() bool {
		m = as[workflowMetadata](t, writer().get(t, workflowPath(s.WorkflowID, "/metadata")).expect(t, http.StatusOK))
		return m.CurrentDetails == "Order **o-7** is "+sample.StatusWaiting+": 1 items, 2500 cents in total."
	})
	require.Equal(t, "Order", m.Definition.Type)
	require.Contains(t, m.Definition.Queries, described{sample.StatusQuery, "Returns the status of the order."})
	require.Contains(t, m.Definition.Queries, described{sample.ItemsQuery, "Returns the items of the order."})
	require.Contains(t, m.Definition.Signals, described{sample.ApproveSignal, "Approves the order: {by}."})
	require.Contains(t, m.Definition.Updates, described{sample.SetAddressUpdate, "Sets the delivery address."})

	writer().post(t, workflowPath(s.WorkflowID, "/signal"), `{"signal":"approve","args":[{"by":"e2e"}]}`).expect(t, http.StatusNoContent)
	require.JSONEq(t, `{"orderId":"o-7","status":"approved","total":2500,"approvedBy":"e2e"}`, string(awaitOutcome(t, s.WorkflowID).Result))
}

func TestStartDelayIsPartOfExecutionTime(t *testing.T) {
	t.Parallel()
	s := startWithoutWorker(t, `"startDelay":"1h"`)
	w := as[struct{ StartTime, ExecutionTime string }](t, writer().get(t, workflowPath(s.WorkflowID)).expect(t, http.StatusOK))
	require.WithinDuration(t, parseTime(t, w.StartTime).Add(time.Hour), parseTime(t, w.ExecutionTime), time.Second)
	terminate(t, s.WorkflowID)
}

// For a run that closes before its delayed start, the server reports a negative duration, which the gateway omits.
func TestRunClosedBeforeItsStartHasNoDuration(t *testing.T) {
	t.Parallel()
	s := startWithoutWorker(t, `"startDelay":"1h"`)
	terminate(t, s.WorkflowID)
	require.NotContains(t, string(writer().get(t, workflowPath(s.WorkflowID)).expect(t, http.StatusOK).body), "executionDuration")
	e2etest.Eventually(t, "the workflow is listed as terminated", func() bool {
		list := writer().get(t, workflows+"?query="+url.QueryEscape(`WorkflowId = "`+s.WorkflowID+`"`)).expect(t, http.StatusOK)
		require.NotContains(t, string(list.body), "executionDuration")
		return strings.Contains(string(list.body), `"TERMINATED"`)
	})
}
