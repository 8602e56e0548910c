package e2e_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
)

func TestCancelRecordsReason(t *testing.T) {
	t.Parallel()
	s := startWithoutWorker(t)
	writer().post(t, workflowPath(s.WorkflowID, "/cancel"), `{"reason":"withdrawn <&>"}`).expect(t, http.StatusNoContent)
	requests := serverEvents(t, s.WorkflowID, s.RunID, enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED)
	require.Len(t, requests, 1)
	require.Equal(t, "withdrawn <&>", requests[0].GetWorkflowExecutionCancelRequestedEventAttributes().GetCause())
	require.True(t, describe(t, s.WorkflowID).CancelRequested)
	writer().post(t, workflowPath(s.WorkflowID, "/cancel"), "").expect(t, http.StatusNoContent)
	terminate(t, s.WorkflowID)
}

func TestOtherRunChainIsNotAffected(t *testing.T) {
	t.Parallel()
	first := startWithoutWorker(t)
	terminate(t, first.WorkflowID)
	second := startWithoutWorkerWithID(t, first.WorkflowID)
	for _, operation := range []string{"/cancel", "/terminate"} {
		p := writer().post(t, workflowPath(first.WorkflowID, operation, "?firstExecutionRunId=", first.RunID), "").
			problem(t, http.StatusConflict, "run-chain-mismatch")
		require.Equal(t, first.WorkflowID, p.WorkflowID)
	}
	w := describe(t, first.WorkflowID)
	require.Equal(t, []string{second.RunID, "RUNNING"}, []string{w.RunID, w.Status})
	require.False(t, w.CancelRequested)
	for _, operation := range []string{"/cancel", "/terminate"} {
		writer().post(t, workflowPath(first.WorkflowID, operation, "?firstExecutionRunId=", second.RunID), "").
			expect(t, http.StatusNoContent)
	}
}

func TestChainIsIdentifiedByFirstRun(t *testing.T) {
	t.Parallel()
	s := start(t, "Chain", `"args":[{"times":1}]`)
	awaitOutcome(t, s.WorkflowID)
	// The code is not run-chain-mismatch, because the last run belongs to the chain of the first.
	writer().post(t, workflowPath(s.WorkflowID, "/terminate?firstExecutionRunId=", s.RunID), "").
		problem(t, http.StatusConflict, "workflow-completed")
}

func TestClosedWorkflowRejectsWrites(t *testing.T) {
	t.Parallel()
	s := startWithoutWorker(t)
	terminate(t, s.WorkflowID)
	for operation, body := range map[string]string{"/signal": `{"signal":"poke"}`, "/terminate": ""} {
		for _, query := range []string{"", runIDQuery(s.RunID)} {
			p := writer().post(t, workflowPath(s.WorkflowID, operation, query), body).problem(t, http.StatusConflict, "workflow-completed")
			require.Equal(t, s.WorkflowID, p.WorkflowID)
		}
	}
}

func TestRunIsSelectedByID(t *testing.T) {
	t.Parallel()
	first := startWithoutWorker(t)
	terminate(t, first.WorkflowID)
	second := startWithoutWorkerWithID(t, first.WorkflowID)
	writer().post(t, workflowPath(first.WorkflowID, "/signal", runIDQuery(first.RunID)), `{"signal":"poke"}`).
		problem(t, http.StatusConflict, "workflow-completed")
	writer().post(t, workflowPath(first.WorkflowID, "/signal", runIDQuery(second.RunID)), `{"signal":"poke"}`).expect(t, http.StatusNoContent)
	writer().post(t, workflowPath(first.WorkflowID, "/terminate", runIDQuery(second.RunID)), "").expect(t, http.StatusNoContent)
	o := as[outcome](t, writer().get(t, workflowPath(first.WorkflowID, "/result", runIDQuery(first.RunID))).expect(t, http.StatusOK))
	require.Equal(t, first.RunID, o.RunID)
}

// callWorkflowOperations calls operations on the workflow at path: those that only read, except the status of an update,
// and then signal, cancel and terminate. It returns the responses by name.
func callWorkflowOperations(t *testing.T, c caller, path string) map[string]apiResponse {
	t.Helper()
	return map[string]apiResponse{
		"describe":      c.get(t, path),
		"metadata":      c.get(t, path+"/metadata"),
		"history":       c.get(t, path+"/history"),
		"result":        c.get(t, path+"/result"),
		"wait":          c.get(t, path+"/result?wait=1s"),
		"query by name": c.get(t, path+"/query?query=state"),
		"query":         c.post(t, path+"/query", `{"query":"state"}`),
		"signal":        c.post(t, path+"/signal", `{"signal":"poke"}`),
		"cancel":        c.post(t, path+"/cancel", ""),
		"terminate":     c.post(t, path+"/terminate", ""),
	}
}

func TestUnknownWorkflowIsNotFound(t *testing.T) {
	t.Parallel()
	id := newID(t)
	for name, a := range callWorkflowOperations(t, writer(), workflowPath(id)) {
		require.Equal(t, http.StatusNotFound, a.status, "%s: %s", name, a.body)
		p := a.problem(t, http.StatusNotFound, "workflow-not-found")
		require.Equal(t, id, p.WorkflowID, name)
		require.False(t, p.Retryable)
	}
}

func TestUnknownRunIsNotFound(t *testing.T) {
	t.Parallel()
	s := startWithoutWorker(t)
	const noRun = "?runId=00000000-0000-4000-8000-000000000000"
	for _, a := range []apiResponse{
		writer().get(t, workflowPath(s.WorkflowID, noRun)),
		writer().get(t, workflowPath(s.WorkflowID, "/result", noRun)),
		writer().get(t, workflowPath(s.WorkflowID, "/result", noRun, "&wait=5s")),
		writer().post(t, workflowPath(s.WorkflowID, "/signal", noRun), `{"signal":"poke"}`),
		writer().post(t, workflowPath(s.WorkflowID, "/terminate", noRun), ""),
	} {
		a.problem(t, http.StatusNotFound, "workflow-not-found")
	}
	writer().get(t, workflowPath(s.WorkflowID, "?runId=not-a-uuid")).problem(t, http.StatusBadRequest, "invalid-request")
	terminate(t, s.WorkflowID)
}

func TestUnknownNamespaceIsNotFoundWithGrant(t *testing.T) {
	t.Parallel()
	const absent = "/v1/namespaces/" + absentNamespace + "/workflows"
	threeNamespacesWriter := bearer(threeNamespacesKey)
	for name, a := range callWorkflowOperations(t, threeNamespacesWriter, absent+"/w") {
		require.Equal(t, http.StatusNotFound, a.status, "%s: %s", name, a.body)
		a.problem(t, http.StatusNotFound, "namespace-not-found")
	}
	threeNamespacesWriter.get(t, absent).problem(t, http.StatusNotFound, "namespace-not-found")
	threeNamespacesWriter.get(t, absent+":count").problem(t, http.StatusNotFound, "namespace-not-found")
	threeNamespacesWriter.post(t, absent, startBody("Unpolled", "w", "unpolled")).problem(t, http.StatusNotFound, "namespace-not-found")
}
