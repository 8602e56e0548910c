package e2e_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// requireDuration requires that do takes the duration want, with a tolerance for a busy machine.
func requireDuration(t *testing.T, want time.Duration, do func()) {
	t.Helper()
	const early, late = 100 * time.Millisecond, 5 * time.Second
	begin := time.Now()
	do()
	elapsed := time.Since(begin)
	require.GreaterOrEqual(t, elapsed, want-early)
	require.LessOrEqual(t, elapsed, want+late)
}

func TestQueryWithoutWorkerTimesOut(t *testing.T) {
	t.Parallel()
	for name, timeout := range map[string][2]string{
		"Request-Timeout": {"Request-Timeout", "1s"},
		"Grpc-Timeout":    {"Grpc-Timeout", "1000m"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startWithoutWorker(t)
			c := writer().with(timeout[0], timeout[1])
			requireDuration(t, time.Second, func() {
				p := c.post(t, workflowPath(s.WorkflowID, "/query"), `{"query":"state"}`).problem(t, http.StatusGatewayTimeout, "query-timeout")
				require.Equal(t, s.WorkflowID, p.WorkflowID)
				require.True(t, p.Retryable)
				require.Equal(t, "DEADLINE_EXCEEDED", p.GRPCCode)
			})
			c.get(t, workflowPath(s.WorkflowID, "/query?query=state")).problem(t, http.StatusGatewayTimeout, "query-timeout")
			c.get(t, workflowPath(s.WorkflowID, "/metadata")).problem(t, http.StatusGatewayTimeout, "query-timeout")
			terminate(t, s.WorkflowID)
		})
	}
}

// Before its first workflow task, a workflow cannot be queried.
func TestQueryBeforeFirstWorkflowTaskFails(t *testing.T) {
	t.Parallel()
	s := start(t, "Wait", `"startDelay":"1h"`)
	p := writer().get(t, workflowPath(s.WorkflowID, "/query?query=signals")).problem(t, http.StatusConflict, "workflow-not-ready")
	require.True(t, p.Retryable)
	require.Positive(t, p.RetryAfter)
	terminate(t, s.WorkflowID)
}

func TestUnknownQueryIsNotFound(t *testing.T) {
	t.Parallel()
	s := start(t, "Wait")
	for _, a := range []apiResponse{
		writer().post(t, workflowPath(s.WorkflowID, "/query"), `{"query":"stat"}`),
		writer().get(t, workflowPath(s.WorkflowID, "/query?query=stat")),
	} {
		p := a.problem(t, http.StatusNotFound, "query-not-found")
		require.Equal(t, s.WorkflowID, p.WorkflowID)
		require.Contains(t, p.Detail, "state", "the detail lists the query names")
	}
	terminate(t, s.WorkflowID)
}

func TestFailedQueryReturnsFailure(t *testing.T) {
	t.Parallel()
	s := startParent(t)
	awaitIdleParent(t, s)
	for _, a := range []apiResponse{
		writer().post(t, workflowPath(s.WorkflowID, "/query"), `{"query":"`+brokenQuery+`"}`),
		writer().get(t, workflowPath(s.WorkflowID, "/query?query="+brokenQuery)),
	} {
		p := a.problem(t, http.StatusUnprocessableEntity, "query-failed")
		require.Equal(t, s.WorkflowID, p.WorkflowID)
		require.Contains(t, p.Detail, "this query always fails")
		require.NotNil(t, p.Failure)
		require.Equal(t, []string{"application", "Broken"}, []string{p.Failure.Kind, p.Failure.Type})
		require.JSONEq(t, `{"code":7}`, string(p.Failure.Details[0]))
	}
	terminate(t, s.WorkflowID)
}

func TestRejectConditionRejectsQueries(t *testing.T) {
	t.Parallel()
	s := start(t, "Wait")
	query := func(condition string) apiResponse {
		return writer().post(t, workflowPath(s.WorkflowID, "/query"), `{"query":"state","rejectCondition":"`+condition+`"}`)
	}
	query("NOT_OPEN").expect(t, http.StatusOK)
	signalFinish(t, s.WorkflowID, "1")
	awaitOutcome(t, s.WorkflowID)
	for _, a := range []apiResponse{query("NOT_OPEN"), writer().get(t, workflowPath(s.WorkflowID, "/query?query=state&rejectCondition=NOT_OPEN"))} {
		p := a.problem(t, http.StatusConflict, "query-rejected")
		require.Equal(t, []string{s.WorkflowID, "COMPLETED"}, []string{p.WorkflowID, p.WorkflowStatus})
	}
	for _, condition := range []string{"NOT_COMPLETED_CLEANLY", "NONE"} {
		require.JSONEq(t, `"finished"`, string(as[queried](t, query(condition).expect(t, http.StatusOK)).Result))
	}

	failed := start(t, "Fail", `"args":[{}]`)
	awaitOutcome(t, failed.WorkflowID)
	a := writer().post(t, workflowPath(failed.WorkflowID, "/query"), `{"query":"state","rejectCondition":"NOT_COMPLETED_CLEANLY"}`)
	require.Equal(t, "FAILED", a.problem(t, http.StatusConflict, "query-rejected").WorkflowStatus)
}

func TestNamespaceHasDefaultQueryRejectCondition(t *testing.T) {
	t.Parallel()
	threeNamespacesWriter, id := bearer(threeNamespacesKey), newID(t)
	const otherWorkflows = "/v1/namespaces/" + otherNamespace + "/workflows"
	threeNamespacesWriter.post(t, otherWorkflows, startBody("Unpolled", id, "unpolled")).expect(t, http.StatusCreated)
	threeNamespacesWriter.post(t, otherWorkflows+"/"+id+"/terminate", "").expect(t, http.StatusNoContent)
	p := threeNamespacesWriter.post(t, otherWorkflows+"/"+id+"/query", `{"query":"state"}`).problem(t, http.StatusConflict, "query-rejected")
	require.Equal(t, "TERMINATED", p.WorkflowStatus)
}

func TestWorkflowHasStackTraceQuery(t *testing.T) {
	t.Parallel()
	s := start(t, "Wait")
	a := writer().get(t, workflowPath(s.WorkflowID, "/query?query=__stack_trace", "&runId=", s.RunID)).expect(t, http.StatusOK)
	require.Contains(t, string(as[queried](t, a).Result), "coroutine")
	terminate(t, s.WorkflowID)
}
