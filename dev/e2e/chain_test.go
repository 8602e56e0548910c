package e2e_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
	"github.com/flowgate/flowgate/dev/sample"
)

// Each run of a retried workflow keeps its outcome. A caller that follows runs receives the outcome of the last run.
func TestRetriedRunsKeepTheirOutcomes(t *testing.T) {
	t.Parallel()
	const attempts = 3
	s := start(t, "Fail", `"args":[{}]`, `"retryPolicy":{"initialInterval":"10ms","maximumAttempts":3}`)
	last := getOutcome(t, s, "&wait=30s", http.StatusOK)
	run := s
	for attempt := range attempts {
		require.Equal(t, last.RunID, getOutcome(t, run, "", http.StatusOK).RunID)
		for _, query := range []string{"&followRuns=false", "&followRuns=false&wait=30s"} {
			o := getOutcome(t, run, query, http.StatusOK)
			require.Equal(t, []string{"FAILED", run.RunID}, []string{o.Status, o.RunID})
			requireSampleFailure(t, o.Failure, attempt+1)
		}
		run.RunID = getOutcome(t, run, "&followRuns=false", http.StatusOK).NewRunID
	}
	require.Empty(t, run.RunID, "the last run has no successor")
}

// The server returns CONTINUED_AS_NEW as the close event of a run that it retries, unless the client announces support
// for the actual event.
func TestCloseEventOfARetriedRunIsItsFailure(t *testing.T) {
	t.Parallel()
	s := start(t, "Fail", `"args":[{}]`, retryOnce)
	last := getOutcome(t, s, "&wait=30s", http.StatusOK)
	page := historyPage(t, writer(), historyPath(s)+"&eventFilterType=CLOSE_EVENT")
	require.Len(t, page.Events, 1)
	require.Contains(t, string(page.Events[0]), `"EVENT_TYPE_WORKFLOW_EXECUTION_FAILED"`)
	require.Contains(t, string(page.Events[0]), `"newExecutionRunId":"`+last.RunID+`"`)
}

// cronSchedule has an interval that is short enough for a test to wait for two runs.
const cronSchedule = `"cronSchedule":"@every 1s"`

func TestCronRunsAreFollowed(t *testing.T) {
	t.Parallel()
	for workflowType, want := range map[string]string{"Echo": "COMPLETED", "Fail": "FAILED"} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			s := start(t, workflowType, `"args":[{}]`, cronSchedule)
			first := getOutcome(t, s, "&followRuns=false&wait=30s", http.StatusOK)
			require.Equal(t, []string{want, s.RunID}, []string{first.Status, first.RunID})
			require.NotEmpty(t, first.NewRunID)
			second := started{WorkflowID: s.WorkflowID, RunID: first.NewRunID}
			next := getOutcome(t, second, "&followRuns=false&wait=30s", http.StatusOK)
			require.Equal(t, []string{want, second.RunID}, []string{next.Status, next.RunID})
			require.NotEqual(t, s.RunID, getOutcome(t, s, "", http.StatusAccepted).RunID, "the outcome is that of a later run, which has not closed")
			terminate(t, s.WorkflowID)
			require.Equal(t, "TERMINATED", getOutcome(t, s, "&wait=30s", http.StatusOK).Status, "the last run is the terminated one")
		})
	}
}

func TestRunThatTimesOutAndIsRetriedIsFollowed(t *testing.T) {
	t.Parallel()
	s := startWithoutWorker(t, `"runTimeout":"1s"`, retryOnce)
	first := getOutcome(t, s, "&followRuns=false&wait=30s", http.StatusOK)
	require.Equal(t, []string{"TIMED_OUT", s.RunID}, []string{first.Status, first.RunID})
	last := getOutcome(t, s, "&wait=30s", http.StatusOK)
	require.Equal(t, []string{"TIMED_OUT", first.NewRunID}, []string{last.Status, last.RunID})
}

// A response contains the id of the first run of the chain whenever the server returns it.
func TestEveryRunHasFirstExecutionRunID(t *testing.T) {
	t.Parallel()
	s := start(t, "Chain", `"args":[{"times":2}]`)
	last := awaitOutcome(t, s.WorkflowID)
	require.Equal(t, s.RunID, last.FirstExecutionRunID)
	require.Equal(t, s.RunID, as[outcome](t, writer().get(t, workflowPath(s.WorkflowID, "/result", runIDQuery(last.RunID)))).FirstExecutionRunID)
	require.Equal(t, s.RunID, describe(t, s.WorkflowID).FirstExecutionRunID)
	body := startBody("Chain", s.WorkflowID, sample.TaskQueue, `"idReusePolicy":"REJECT_DUPLICATE"`)
	p := writer().post(t, workflows, body).problem(t, http.StatusConflict, "workflow-already-started")
	require.Equal(t, []string{last.RunID, s.RunID}, []string{p.RunID, p.FirstExecutionRunID})
}

// Each kind of start finds a running workflow that has continued as new. For an update-with-start, the server does not
// return the id of the first run, and the gateway requests it.
func TestExistingRunHasFirstExecutionRunID(t *testing.T) {
	t.Parallel()
	s := startLedger(t)
	writer().post(t, workflowPath(s.WorkflowID, "/signal"), `{"signal":"next"}`).expect(t, http.StatusNoContent)
	e2etest.Eventually(t, "the ledger has continued as new", func() bool { return describe(t, s.WorkflowID).RunID != s.RunID })
	for _, field := range []string{`"idConflictPolicy":"USE_EXISTING"`, `"startSignal":"poke"`} {
		found := as[started](t, writer().post(t, workflows, ledgerStartBody(s.WorkflowID, field)).expect(t, http.StatusOK))
		require.False(t, found.Started, field)
		require.NotEqual(t, s.RunID, found.RunID, field)
		require.Equal(t, s.RunID, found.FirstExecutionRunID, field)
	}
	found := as[updatedWithStart](t, writer().post(t, updatesWithStart, updateWithStartBody(s.WorkflowID, "USE_EXISTING", updateBody("add", 1)))).Start
	require.False(t, found.Started)
	require.Equal(t, s.RunID, found.FirstExecutionRunID)
	terminate(t, s.WorkflowID)
}
