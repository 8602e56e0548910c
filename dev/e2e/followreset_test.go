package e2e_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
	"github.com/flowgate/flowgate/dev/sample"
)

// getOutcome requests the outcome of the run s and requires the status. query contains further query parameters.
func getOutcome(t *testing.T, s started, query string, status int) outcome {
	t.Helper()
	return as[outcome](t, writer().get(t, workflowPath(s.WorkflowID, "/result", runIDQuery(s.RunID), query)).expect(t, status))
}

func TestResetIsFollowedIfRequested(t *testing.T) {
	t.Parallel()
	s := startWithSignals(t, 1)
	r := resetWorkflow(t, s, `{"resetType":"LAST_WORKFLOW_TASK"}`)
	for _, query := range []string{"&followReset=true", "&followReset=true&wait=1s", "&followReset=true&followRuns=false"} {
		require.Equal(t, r.RunID, getOutcome(t, s, query, http.StatusAccepted).RunID, query)
	}
	signalFinish(t, s.WorkflowID, `"after"`)
	for _, query := range []string{"&wait=30s&followReset=true", "&followReset=true", "&followReset=true&followRuns=false"} {
		o := getOutcome(t, s, query, http.StatusOK)
		require.Equal(t, []string{r.RunID, s.RunID, "COMPLETED", `"after"`},
			[]string{o.RunID, o.FirstExecutionRunID, o.Status, string(o.Result)}, query)
	}
	for _, query := range []string{"", "&wait=1s", "&followReset=false", "&followRuns=true"} {
		o := getOutcome(t, s, query, http.StatusOK)
		require.Equal(t, []string{s.RunID, "TERMINATED"}, []string{o.RunID, o.Status}, query)
	}
}

// The reset closes the run for which the request waits, and the wait continues with the new run.
func TestWaitFollowsReset(t *testing.T) {
	t.Parallel()
	gateway := startGatewayForTest(t)
	s := startWithSignals(t, 1)
	path := workflowPath(s.WorkflowID, "/result", runIDQuery(s.RunID), "&wait=30s&followReset=true")
	o := as[outcome](t, getWhileWaiting(t, gateway, path, func() {
		resetWorkflow(t, s, `{"resetType":"LAST_WORKFLOW_TASK"}`)
		signalFinish(t, s.WorkflowID, `"after"`)
	}).expect(t, http.StatusOK))
	require.Equal(t, []string{"COMPLETED", `"after"`}, []string{o.Status, string(o.Result)})
	require.NotEqual(t, s.RunID, o.RunID)
}

func TestStartFollowsReset(t *testing.T) {
	t.Parallel()
	gateway := startGatewayForTest(t)
	id := newID(t)
	done := make(chan apiResponse, 1)
	go func() {
		body := startBody("Wait", id, sample.TaskQueue)
		a, err := writer().onGateway(gateway).send(t.Context(), http.MethodPost, workflows+"?wait=30s&followReset=true", body)
		assert.NoError(t, err)
		done <- a
	}()
	e2etest.Eventually(t, "the request waits", func() bool { return e2etest.Metric(t, gateway, "flowgate_in_flight", `kind="wait"`) == 1 })
	awaitSignalCount(t, id, 0)
	first := describe(t, id)
	r := resetWorkflow(t, started{WorkflowID: id, RunID: first.RunID}, `{"resetType":"LAST_WORKFLOW_TASK"}`)
	signalFinish(t, id, `"after"`)
	o := as[outcome](t, (<-done).expect(t, http.StatusOK))
	require.Equal(t, []string{r.RunID, first.RunID, `"after"`}, []string{o.RunID, o.FirstExecutionRunID, string(o.Result)})
}

func TestResetEndsWaitWithoutFollowReset(t *testing.T) {
	t.Parallel()
	gateway := startGatewayForTest(t)
	s := startWithSignals(t, 1)
	o := as[outcome](t, getWhileWaiting(t, gateway, workflowPath(s.WorkflowID, "/result", runIDQuery(s.RunID), "&wait=30s"), func() {
		resetWorkflow(t, s, `{"resetType":"LAST_WORKFLOW_TASK","reason":"a bad build"}`)
	}).expect(t, http.StatusOK))
	require.Equal(t, []string{s.RunID, "TERMINATED", "a bad build"}, []string{o.RunID, o.Status, o.Failure.Message})
	terminate(t, s.WorkflowID)
}

// After a reset, a completed run keeps its outcome for callers that do not follow the reset.
func TestResetOfAClosedRunIsFollowed(t *testing.T) {
	t.Parallel()
	s := startWithSignals(t, 1)
	signalFinish(t, s.WorkflowID, `"before"`)
	require.Equal(t, "COMPLETED", awaitOutcome(t, s.WorkflowID).Status)
	r := resetWorkflow(t, s, `{"resetType":"FIRST_WORKFLOW_TASK","reapplyExclude":["SIGNAL"]}`, runIDQuery(s.RunID))
	require.Equal(t, `"before"`, string(getOutcome(t, s, "", http.StatusOK).Result))
	require.Equal(t, r.RunID, getOutcome(t, s, "&followReset=true", http.StatusAccepted).RunID)
	terminate(t, s.WorkflowID)
}

// The run s continues as new in a second run, and is then reset. A caller that follows resets receives the outcomes of
// the new runs and not that of the second run.
func TestResetOfContinuedRunReplacesItsSuccessors(t *testing.T) {
	t.Parallel()
	s := start(t, "Chain", `"args":[{"times":1}]`)
	require.Equal(t, "COMPLETED", awaitOutcome(t, s.WorkflowID).Status)
	r := resetWorkflow(t, s, `{"resetType":"LAST_WORKFLOW_TASK"}`, runIDQuery(s.RunID))
	for _, query := range []string{"&wait=30s&followReset=true&followRuns=false", "&followReset=true&followRuns=false"} {
		o := getOutcome(t, s, query, http.StatusOK)
		require.Equal(t, []string{r.RunID, "CONTINUED_AS_NEW"}, []string{o.RunID, o.Status}, query)
	}
	o := getOutcome(t, s, "&wait=30s&followReset=true", http.StatusOK)
	require.Equal(t, []string{"COMPLETED", "2"}, []string{o.Status, string(o.Result)})
	require.NotEqual(t, r.RunID, o.RunID)
}

// The Location of a 202 response has the parameters of the request.
func TestLocationOfPendingWaitKeepsParameters(t *testing.T) {
	t.Parallel()
	s := startWithSignals(t, 0)
	a := writer().get(t, workflowPath(s.WorkflowID, "/result?followRuns=false&followReset=true&failureStatus=422")).expect(t, http.StatusAccepted)
	resetWorkflow(t, s, `{"resetType":"LAST_WORKFLOW_TASK"}`)
	terminate(t, s.WorkflowID)
	again := writer().get(t, a.header.Get("Location")).expect(t, http.StatusUnprocessableEntity)
	require.NotEqual(t, s.RunID, as[outcome](t, again).RunID)
}
