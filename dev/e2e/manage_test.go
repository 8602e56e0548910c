package e2e_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
)

// reset contains the members of the response to a reset that tests need.
type reset struct{ WorkflowID, RunID, FirstExecutionRunID string }

// startWithSignals starts a Wait workflow and returns after it has handled the given number of signals.
func startWithSignals(t *testing.T, number int) started {
	t.Helper()
	s := start(t, "Wait")
	awaitSignalCount(t, s.WorkflowID, 0) // the first workflow task has completed
	for range number {
		writer().post(t, workflowPath(s.WorkflowID, "/signal"), `{"signal":"poke"}`).expect(t, http.StatusNoContent)
	}
	awaitSignalCount(t, s.WorkflowID, number)
	return s
}

// awaitSignalCount waits until a Wait workflow has handled the given number of signals.
func awaitSignalCount(t *testing.T, workflowID string, number int) {
	t.Helper()
	e2etest.Eventually(t, strconv.Itoa(number)+" signals are handled", func() bool {
		got := writer().get(t, workflowPath(workflowID, "/query?query=signals"))
		return got.status == http.StatusOK && string(as[outcome](t, got).Result) == strconv.Itoa(number)
	})
}

func resetWorkflow(t *testing.T, s started, body string, query ...string) reset {
	t.Helper()
	r := as[reset](t, writer().post(t, workflowPath(s.WorkflowID, append([]string{"/reset"}, query...)...), body).expect(t, http.StatusOK))
	require.Equal(t, s.WorkflowID, r.WorkflowID)
	require.NotEqual(t, s.RunID, r.RunID)
	return r
}

func TestResetContinuesInNewRun(t *testing.T) {
	t.Parallel()
	s := startWithSignals(t, 2)
	r := resetWorkflow(t, s, `{"resetType":"LAST_WORKFLOW_TASK","reason":"a bad <build>"}`)
	require.Equal(t, s.FirstExecutionRunID, r.FirstExecutionRunID)
	w := describe(t, s.WorkflowID)
	require.Equal(t, []string{r.RunID, s.FirstExecutionRunID, "RUNNING"}, []string{w.RunID, w.FirstExecutionRunID, w.Status})
	old := as[outcome](t, writer().get(t, workflowPath(s.WorkflowID, "/result", runIDQuery(s.RunID))).expect(t, http.StatusOK))
	require.Equal(t, "TERMINATED", old.Status)
	require.Equal(t, "a bad <build>", old.Failure.Message)
	awaitSignalCount(t, s.WorkflowID, 2)
	signalFinish(t, s.WorkflowID, `"done"`)
	require.Equal(t, `"done"`, string(awaitOutcome(t, s.WorkflowID).Result))
}

func TestResetToFirstTaskReappliesSignals(t *testing.T) {
	t.Parallel()
	s := startWithSignals(t, 2)
	resetWorkflow(t, s, `{"resetType":"FIRST_WORKFLOW_TASK"}`)
	awaitSignalCount(t, s.WorkflowID, 2)
	terminate(t, s.WorkflowID)
}

func TestResetExcludesSignals(t *testing.T) {
	t.Parallel()
	s := startWithSignals(t, 2)
	resetWorkflow(t, s, `{"resetType":"FIRST_WORKFLOW_TASK","reapplyExclude":["SIGNAL","UPDATE","NEXUS","CANCEL_REQUEST"]}`)
	awaitSignalCount(t, s.WorkflowID, 0)
	terminate(t, s.WorkflowID)
}

func TestResetToAnEventOfAClosedRun(t *testing.T) {
	t.Parallel()
	s := startWithSignals(t, 1)
	signalFinish(t, s.WorkflowID, `1`)
	require.Equal(t, "COMPLETED", awaitOutcome(t, s.WorkflowID).Status)
	tasks := serverEvents(t, s.WorkflowID, s.RunID, enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED)
	event := strconv.FormatInt(tasks[0].GetEventId(), 10)
	r := resetWorkflow(t, s, `{"eventId":`+event+`,"reapplyExclude":["SIGNAL"]}`, runIDQuery(s.RunID))
	awaitSignalCount(t, s.WorkflowID, 0)
	writer().post(t, workflowPath(s.WorkflowID, "/terminate", runIDQuery(r.RunID)), "").expect(t, http.StatusNoContent)
}

func TestResetToBuildID(t *testing.T) {
	t.Parallel()
	s := startWithSignals(t, 2)
	type points struct{ AutoResetPoints []struct{ BuildID string } }
	w := as[points](t, writer().get(t, workflowPath(s.WorkflowID)).expect(t, http.StatusOK))
	require.Len(t, w.AutoResetPoints, 1)
	resetWorkflow(t, s, `{"buildId":`+quote(w.AutoResetPoints[0].BuildID)+`,"reapplyExclude":["SIGNAL"]}`)
	awaitSignalCount(t, s.WorkflowID, 0)
	terminate(t, s.WorkflowID)
}

// A reset reapplies the updates of the old run to the new run, unless it excludes them.
func TestResetReappliesUpdates(t *testing.T) {
	t.Parallel()
	for exclude, want := range map[string]string{``: "8", `"reapplyExclude":["UPDATE"],`: "1"} {
		s := startLedger(t)
		require.Equal(t, "7", string(as[updated](t, writer().update(t, s.WorkflowID, updateBody("add", 7)).expect(t, http.StatusOK)).Result))
		resetWorkflow(t, s, `{`+exclude+`"resetType":"FIRST_WORKFLOW_TASK"}`)
		require.Equal(t, want, string(as[updated](t, writer().update(t, s.WorkflowID, updateBody("add", 1)).expect(t, http.StatusOK)).Result))
		terminate(t, s.WorkflowID)
	}
}

func TestResetChangesTheOptionsOfTheNewRun(t *testing.T) {
	t.Parallel()
	s := startWithSignals(t, 0)
	resetWorkflow(t, s, `{"resetType":"FIRST_WORKFLOW_TASK","updateOptions":{"versioningOverride":{"behavior":"AUTO_UPGRADE"}}}`)
	require.JSONEq(t, `{"behavior":"AUTO_UPGRADE"}`, versioningOverride(t, s.WorkflowID))
	resetWorkflow(t, s, `{"resetType":"FIRST_WORKFLOW_TASK","updateOptions":{"versioningOverride":null,"priority":{"priorityKey":2}}}`)
	require.Empty(t, versioningOverride(t, s.WorkflowID))
	require.JSONEq(t, `{"priorityKey":2}`, string(describe(t, s.WorkflowID).Priority))
	for _, options := range []string{`{}`, `{"priority":{"priorityKey":0}}`} {
		body := `{"resetType":"FIRST_WORKFLOW_TASK","updateOptions":` + options + `}`
		p := writer().post(t, workflowPath(s.WorkflowID, "/reset"), body).problem(t, http.StatusBadRequest, "invalid-request")
		require.Contains(t, p.Errors[0].Pointer, "/updateOptions")
	}
	terminate(t, s.WorkflowID)
}

// Each of several concurrent resets returns a new run, and one of these runs is the current one.
func TestConcurrentResetsLeaveOneRun(t *testing.T) {
	t.Parallel()
	s := startWithSignals(t, 1)
	const resets = 4
	got := make(chan apiResponse, resets)
	for range resets {
		go func() {
			body := `{"resetType":"FIRST_WORKFLOW_TASK"}`
			a, err := writer().send(t.Context(), http.MethodPost, workflowPath(s.WorkflowID, "/reset", runIDQuery(s.RunID)), body)
			assert.NoError(t, err)
			got <- a
		}()
	}
	runs := map[string]bool{}
	for range resets {
		runs[as[reset](t, (<-got).expect(t, http.StatusOK)).RunID] = true
	}
	require.Len(t, runs, resets)
	current := describe(t, s.WorkflowID)
	require.True(t, runs[current.RunID], "the current run is one of the new runs")
	delete(runs, current.RunID)
	for run := range runs {
		o := as[outcome](t, writer().get(t, workflowPath(s.WorkflowID, "/result", runIDQuery(run))).expect(t, http.StatusOK))
		require.Equal(t, "TERMINATED", o.Status)
	}
	awaitSignalCount(t, s.WorkflowID, 1)
	terminate(t, s.WorkflowID)
}

func TestResetRequiresAResetPoint(t *testing.T) {
	t.Parallel()
	s := startWithoutWorker(t)
	path := workflowPath(s.WorkflowID, "/reset")
	for _, body := range []string{`{"resetType":"LAST_WORKFLOW_TASK"}`, `{"resetType":"FIRST_WORKFLOW_TASK"}`, `{"buildId":"unknown"}`} {
		p := writer().post(t, path, body).problem(t, http.StatusConflict, "conflict")
		require.Equal(t, []string{s.WorkflowID, s.RunID}, []string{p.WorkflowID, p.RunID})
	}
	for _, body := range []string{
		`{}`, `{"reason":"none"}`, `{"eventId":3,"resetType":"LAST_WORKFLOW_TASK"}`, `{"resetType":"SOME_TASK"}`, `{"eventId":0}`,
		`{"eventId":1}`, `{"eventId":99}`, `{"eventId":4,"reapplyExclude":["TIMER"]}`, `{"eventId":4,"reapplyExclude":[""]}`,
	} {
		writer().post(t, path, body).problem(t, http.StatusBadRequest, "invalid-request")
	}
	terminate(t, s.WorkflowID)
}

// TestServerDoesNotDeduplicateResets shows why the gateway does not retry a reset: the server resets again for an equal
// request. If this test fails, the server deduplicates resets now, and internal/auth/access_table.go can permit
// retries.
func TestServerDoesNotDeduplicateResets(t *testing.T) {
	t.Parallel()
	s := startWithSignals(t, 0)
	withKey := writer().with("Idempotency-Key", "key-1")
	body := `{"resetType":"FIRST_WORKFLOW_TASK"}`
	first := as[reset](t, withKey.post(t, workflowPath(s.WorkflowID, "/reset", runIDQuery(s.RunID)), body).expect(t, http.StatusOK))
	second := as[reset](t, withKey.post(t, workflowPath(s.WorkflowID, "/reset", runIDQuery(s.RunID)), body).expect(t, http.StatusOK))
	require.NotEqual(t, first.RunID, second.RunID)
	terminate(t, s.WorkflowID)
}

func TestPausedWorkflowWaits(t *testing.T) {
	t.Parallel()
	s := startWithSignals(t, 1)
	withKey := writer().with("Idempotency-Key", newID(t))
	pause, unpause := workflowPath(s.WorkflowID, "/pause"), workflowPath(s.WorkflowID, "/unpause", runIDQuery(s.RunID))
	writer().post(t, unpause, "").problem(t, http.StatusConflict, "conflict")
	for range 2 {
		withKey.post(t, pause, `{"reason":"the bank is down"}`).expect(t, http.StatusNoContent)
	}
	writer().post(t, pause, "").problem(t, http.StatusConflict, "conflict")
	w := as[struct {
		Status string
		Pause  struct{ Reason, Identity string }
	}](t, writer().get(t, workflowPath(s.WorkflowID)))
	require.Equal(t, "PAUSED", w.Status)
	require.Equal(t, []string{"the bank is down", writerKeyID}, []string{w.Pause.Reason, w.Pause.Identity})
	signalFinish(t, s.WorkflowID, `1`)
	writer().get(t, workflowPath(s.WorkflowID, "/result?wait=1s")).expect(t, http.StatusAccepted)
	writer().post(t, unpause, `{"reason":"the bank is back"}`).expect(t, http.StatusNoContent)
	require.Equal(t, "COMPLETED", awaitOutcome(t, s.WorkflowID).Status)
	writer().post(t, pause, "").problem(t, http.StatusConflict, "workflow-completed")
	writer().post(t, unpause, "").problem(t, http.StatusConflict, "workflow-completed")
}

// A worker receives no tasks of a paused workflow. Signals are delivered after the pause.
func TestPausedWorkflowReceivesNoTasks(t *testing.T) {
	t.Parallel()
	s := startWithSignals(t, 0)
	writer().post(t, workflowPath(s.WorkflowID, "/pause"), "").expect(t, http.StatusNoContent)
	writer().post(t, workflowPath(s.WorkflowID, "/updates?wait=5s"), `{"update":"echo"}`).problem(t, http.StatusConflict, "conflict")
	p := writer().get(t, workflowPath(s.WorkflowID, "/query?query=signals")).problem(t, http.StatusConflict, "query-rejected")
	require.Equal(t, "PAUSED", p.WorkflowStatus)
	require.Contains(t, p.Detail, "paused")
	writer().post(t, workflowPath(s.WorkflowID, "/signal"), `{"signal":"poke"}`).expect(t, http.StatusNoContent)
	writer().post(t, workflowPath(s.WorkflowID, "/unpause"), "").expect(t, http.StatusNoContent)
	awaitSignalCount(t, s.WorkflowID, 1)
	terminate(t, s.WorkflowID)
}

func TestOptionsAreChangedIndividually(t *testing.T) {
	t.Parallel()
	s := startWithoutWorker(t, `"priority":{"priorityKey":4}`)
	path := workflowPath(s.WorkflowID)
	for _, step := range []struct{ change, want string }{
		{
			`{"priority":{"priorityKey":2,"fairnessKey":"c-1","fairnessWeight":1.5}}`,
			`{"priority":{"priorityKey":2,"fairnessKey":"c-1","fairnessWeight":1.5}}`,
		},
		{
			`{"versioningOverride":{"behavior":"AUTO_UPGRADE"}}`,
			`{"priority":{"priorityKey":2,"fairnessKey":"c-1","fairnessWeight":1.5},"versioningOverride":{"behavior":"AUTO_UPGRADE"}}`,
		},
		{`{"priority":null}`, `{"versioningOverride":{"behavior":"AUTO_UPGRADE"}}`},
		{`{"versioningOverride":null}`, `{}`},
	} {
		a := writer().mustSend(t, http.MethodPatch, path, step.change).expect(t, http.StatusOK)
		require.JSONEq(t, step.want, string(a.body))
		w := as[struct {
			Priority   any `json:"priority"`
			Versioning struct {
				Override any `json:"override"`
			} `json:"versioning"`
		}](t, writer().get(t, path))
		changed := as[map[string]any](t, a)
		require.Equal(t, changed["priority"], w.Priority, step.change)
		require.Equal(t, changed["versioningOverride"], w.Versioning.Override, step.change)
	}
	for _, body := range []string{
		`{}`, `{"priority":{"priorityKey":0}}`, `{"versioningOverride":{"behavior":"PINNED"}}`, `{"versioningOverride":{}}`,
	} {
		writer().mustSend(t, http.MethodPatch, path, body).problem(t, http.StatusBadRequest, "invalid-request")
	}
	writer().mustSend(t, http.MethodPatch, path, `{"priority":{"key":1}}`).problem(t, http.StatusBadRequest, "unknown-field")
	terminate(t, s.WorkflowID)
	writer().mustSend(t, http.MethodPatch, path, `{"priority":null}`).problem(t, http.StatusConflict, "workflow-completed")
}

func TestDeletedWorkflowIsGone(t *testing.T) {
	t.Parallel()
	s := startWithoutWorker(t)
	remove := func(run string) apiResponse {
		return writer().mustSend(t, http.MethodDelete, workflowPath(s.WorkflowID, run), "")
	}
	remove("").expect(t, http.StatusNoContent)
	e2etest.Eventually(t, "the run is gone", func() bool { return writer().get(t, workflowPath(s.WorkflowID)).status == http.StatusNotFound })
	for _, run := range []string{"", runIDQuery(s.RunID)} {
		require.Equal(t, s.WorkflowID, remove(run).problem(t, http.StatusNotFound, "workflow-not-found").WorkflowID)
	}
}

// TestDeleteOfRunById does not wait for the deletion, because the server takes long to delete a closed run.
func TestDeleteOfRunById(t *testing.T) {
	t.Parallel()
	first := startWithoutWorker(t)
	terminate(t, first.WorkflowID)
	second := startWithoutWorkerWithID(t, first.WorkflowID)
	writer().mustSend(t, http.MethodDelete, workflowPath(first.WorkflowID, runIDQuery(first.RunID)), "").expect(t, http.StatusNoContent)
	w := describe(t, first.WorkflowID)
	require.Equal(t, []string{second.RunID, "RUNNING"}, []string{w.RunID, w.Status})
	terminate(t, first.WorkflowID)
}

func TestUnknownWorkflowCannotBeManaged(t *testing.T) {
	t.Parallel()
	id := newID(t)
	for _, a := range []apiResponse{
		writer().post(t, workflowPath(id, "/reset"), `{"resetType":"LAST_WORKFLOW_TASK"}`),
		writer().post(t, workflowPath(id, "/reset"), `{"eventId":4}`),
		writer().post(t, workflowPath(id, "/pause"), ""),
		writer().post(t, workflowPath(id, "/unpause"), ""),
		writer().mustSend(t, http.MethodPatch, workflowPath(id), `{"priority":null}`),
		writer().mustSend(t, http.MethodDelete, workflowPath(id), ""),
	} {
		require.Equal(t, id, a.problem(t, http.StatusNotFound, "workflow-not-found").WorkflowID)
	}
}

func TestReaderCannotManageWorkflows(t *testing.T) {
	t.Parallel()
	id := newID(t)
	for _, a := range []apiResponse{
		reader().post(t, workflowPath(id, "/reset"), `{"eventId":4}`),
		reader().post(t, workflowPath(id, "/pause"), ""),
		reader().post(t, workflowPath(id, "/unpause"), ""),
		reader().mustSend(t, http.MethodPatch, workflowPath(id), `{"priority":null}`),
		reader().mustSend(t, http.MethodDelete, workflowPath(id), ""),
		reader().post(t, batches, `{"query":"WorkflowType = 'None'","operation":{"cancel":{}}}`),
		reader().post(t, batches+"/job/stop", ""),
	} {
		a.problem(t, http.StatusForbidden, "operation-forbidden")
	}
}
