package e2e_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
	"github.com/flowgate/flowgate/dev/sample"
)

// TestHandleOfAnotherChainIsRejected covers the operations for which Temporal's request has no field for the first run
// id. The gateway itself checks that the workflow id refers to the given run chain.
func TestHandleOfAnotherChainIsRejected(t *testing.T) {
	t.Parallel()
	first := startWithoutWorker(t)
	terminate(t, first.WorkflowID)
	second := as[started](t, writer().post(t, workflows, startBody("Wait", first.WorkflowID, sample.TaskQueue)).expect(t, http.StatusCreated))
	awaitSignalCount(t, second.WorkflowID, 0) // the first workflow task has completed, which the reset requires
	for _, call := range []struct {
		method, path, body string
		status             int
	}{
		{http.MethodGet, "", "", http.StatusOK},
		{http.MethodGet, "/metadata", "", http.StatusOK},
		{http.MethodGet, "/history", "", http.StatusOK},
		{http.MethodGet, "/result", "", http.StatusAccepted},
		{http.MethodPost, "/query", `{"query":"state"}`, http.StatusOK},
		{http.MethodPost, "/signal", `{"signal":"poke"}`, http.StatusNoContent},
		{http.MethodPost, "/tokens", `{"read":true}`, http.StatusCreated},
		{http.MethodPatch, "", `{"priority":null}`, http.StatusOK},
		{http.MethodPost, "/pause", "", http.StatusNoContent},
		{http.MethodPost, "/unpause", "", http.StatusNoContent},
		{http.MethodPost, "/reset", `{"resetType":"LAST_WORKFLOW_TASK"}`, http.StatusOK},
		{http.MethodDelete, "", "", http.StatusNoContent},
	} {
		path := workflowPath(first.WorkflowID, call.path, "?firstExecutionRunId=")
		p := writer().mustSend(t, call.method, path+first.RunID, call.body).problem(t, http.StatusConflict, "run-chain-mismatch")
		require.Equal(t, first.WorkflowID, p.WorkflowID, call.path)
		if call.method == http.MethodPost && call.path == "/signal" {
			awaitSignalCount(t, second.WorkflowID, 0)
		}
		writer().mustSend(t, call.method, path+second.RunID, call.body).expect(t, call.status)
	}
}

// TestHandleFollowsItsChain uses a handle with a first run id after the workflow has continued as new.
func TestHandleFollowsItsChain(t *testing.T) {
	t.Parallel()
	s := startLedger(t)
	u := as[updated](t, writer().update(t, s.WorkflowID, updateBody("add", 3)).expect(t, http.StatusOK))
	chain := "?firstExecutionRunId=" + s.RunID
	pages := workflowPath(s.WorkflowID, "/history", chain, "&pageSize=1")
	page := historyPage(t, writer(), pages)
	writer().get(t, workflowPath(s.WorkflowID, "/updates/", u.UpdateID, chain)).expect(t, http.StatusOK)
	writer().post(t, workflowPath(s.WorkflowID, "/signal", chain), `{"signal":"next"}`).expect(t, http.StatusNoContent)
	e2etest.Eventually(t, "the ledger has continued as new", func() bool { return describe(t, s.WorkflowID).RunID != s.RunID })
	require.Equal(t, s.RunID, as[workflow](t, writer().get(t, workflowPath(s.WorkflowID, chain)).expect(t, http.StatusOK)).FirstExecutionRunID)
	events := page.Events
	for page.NextPageToken != "" {
		page = historyPage(t, writer(), pages+"&pageToken="+page.NextPageToken)
		events = append(events, page.Events...)
	}
	require.Greater(t, len(events), 2, "later pages were read after the workflow continued as new")
	require.Equal(t, historyPage(t, writer(), historyPath(s)).Events[:len(events)], events, "all pages are of the run that the first page was of")
	terminate(t, s.WorkflowID)
}

func TestCancelOfRunById(t *testing.T) {
	t.Parallel()
	first := startWithoutWorker(t)
	terminate(t, first.WorkflowID)
	second := startWithoutWorkerWithID(t, first.WorkflowID)
	writer().post(t, workflowPath(first.WorkflowID, "/cancel", runIDQuery(first.RunID)), "").expect(t, http.StatusNoContent)
	require.False(t, describe(t, first.WorkflowID).CancelRequested, "the request named the closed run")
	writer().post(t, workflowPath(first.WorkflowID, "/cancel", runIDQuery(second.RunID)), "").expect(t, http.StatusNoContent)
	require.True(t, describe(t, first.WorkflowID).CancelRequested)
	terminate(t, first.WorkflowID)
}
