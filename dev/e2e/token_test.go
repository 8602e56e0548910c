package e2e_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// issueDelegatedToken requests a delegated token for a workflow and returns it.
func issueDelegatedToken(t *testing.T, c caller, id, body string) string {
	t.Helper()
	issued := as[struct{ Token, ExpiresAt, WorkflowID string }](t, c.post(t, workflowPath(id, "/tokens"), body).expect(t, http.StatusCreated))
	require.Equal(t, id, issued.WorkflowID)
	require.NotEmpty(t, issued.ExpiresAt)
	return issued.Token
}

func TestDelegatedTokenIsForOneWorkflow(t *testing.T) {
	t.Parallel()
	order := start(t, "Order", `"args":[{"orderId":"o-1","items":[{"sku":"pen","quantity":1,"price":300}]}]`)
	other := startWithoutWorker(t)
	tokenHolder := bearer(issueDelegatedToken(t, writer(), order.WorkflowID, `{"read":true,"signals":["approve"],"ttl":"5m"}`))

	tokenHolder.get(t, workflowPath(order.WorkflowID)).expect(t, http.StatusOK)
	tokenHolder.get(t, workflowPath(order.WorkflowID, "/query?query=status")).expect(t, http.StatusOK)
	for _, path := range []string{workflowPath(other.WorkflowID), workflowPath(other.WorkflowID, "/result"), workflowPath(other.WorkflowID, "/history")} {
		tokenHolder.get(t, path).problem(t, http.StatusForbidden, "operation-forbidden")
	}
	for _, post := range [][2]string{
		{workflowPath(order.WorkflowID, "/signal"), `{"signal":"reject","args":["no"]}`},
		{workflowPath(other.WorkflowID, "/signal"), `{"signal":"approve"}`},
		{workflowPath(order.WorkflowID, "/terminate"), ""},
		{workflowPath(order.WorkflowID, "/tokens"), `{"read":true}`},
	} {
		tokenHolder.post(t, post[0], post[1]).problem(t, http.StatusForbidden, "operation-forbidden")
	}
	tokenHolder.post(t, workflowPath(order.WorkflowID, "/signal"), `{"signal":"approve","args":[{"by":"ann"}]}`).expect(t, http.StatusNoContent)
	outcome := tokenHolder.get(t, workflowPath(order.WorkflowID, "/result?wait=30s")).expect(t, http.StatusOK)
	require.Contains(t, string(outcome.body), `"approvedBy":"ann"`)
	terminate(t, other.WorkflowID)
}

func TestDelegatedTokenRequiresGrant(t *testing.T) {
	t.Parallel()
	s := startWithoutWorker(t)
	reader().post(t, workflowPath(s.WorkflowID, "/tokens"), `{"signals":["poke"]}`).problem(t, http.StatusForbidden, "operation-forbidden")
	bearer(issueDelegatedToken(t, reader(), s.WorkflowID, `{"read":true}`)).get(t, workflowPath(s.WorkflowID)).expect(t, http.StatusOK)
	for _, body := range []string{`{}`, `{"read":true,"ttl":"0s"}`, `{"signals":[""]}`, `{"read":true,"ttl":"soon"}`} {
		writer().post(t, workflowPath(s.WorkflowID, "/tokens"), body).expect(t, http.StatusBadRequest)
	}
	terminate(t, s.WorkflowID)
}
