package e2e_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"github.com/flowgate/flowgate/dev/sample"
)

// unusualIDs returns workflow ids that remain distinct only if the gateway percent-decodes a path exactly once.
func unusualIDs(t *testing.T) []string {
	t.Helper()
	prefix := newID(t)
	ids := []string{"a/b", "a%2Fb", "a b", "a:b", "a+b", "ü/..", "a%2fb", "a%252Fb", "a%20b", "-", ".", "..", "a;b", "a?b#c", "a&b=c", "%", "a//b/"}
	for i, id := range ids {
		ids[i] = prefix + "/" + id
	}
	return ids
}

// TestWorkflowIDsAreDecodedExactlyOnce reads the workflows from Temporal with a plain gRPC client. The Go SDK cannot: it
// also sends the workflow id as gRPC metadata, and gRPC rejects metadata that is not ASCII.
func TestWorkflowIDsAreDecodedExactlyOnce(t *testing.T) {
	t.Parallel()
	ids := unusualIDs(t)
	runs := map[string]string{}
	for _, id := range ids {
		s := startWithoutWorkerWithID(t, id)
		require.Equal(t, id, s.WorkflowID)
		runs[id] = s.RunID
	}
	for _, id := range ids {
		for form, path := range map[string]string{
			"in the path":    workflowPath(id),
			"by a parameter": workflows + "/-?workflowId=" + url.QueryEscape(id),
			"fully escaped":  workflows + "/" + escapeAll(id),
		} {
			w := as[workflow](t, writer().get(t, path).expect(t, http.StatusOK))
			require.Equal(t, id, w.WorkflowID, "%q %s", id, form)
			require.Equal(t, runs[id], w.RunID, "%q %s", id, form)
		}
		writer().post(t, workflowPath(id, "/signal"), `{"signal":"poke","args":[`+quote(id)+`]}`).expect(t, http.StatusNoContent)
	}
	for _, id := range ids {
		require.Equal(t, runs[id], describeOnServer(t, id, "").GetWorkflowExecutionInfo().GetExecution().GetRunId(), "%q at the server", id)
		signals := serverEvents(t, id, "", enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED)
		require.Len(t, signals, 1, "%q at the server", id)
		require.Equal(t, []string{quote(id)}, payloadData(t, "json/plain", signals[0].GetWorkflowExecutionSignaledEventAttributes().GetInput()))
		terminate(t, id)
		require.Equal(t, "TERMINATED", awaitOutcome(t, id).Status)
	}
}

// escapeAll percent-encodes every byte, as a client may do.
func escapeAll(id string) string {
	const digits = "0123456789ABCDEF"
	var escaped strings.Builder
	for i := range len(id) {
		escaped.WriteByte('%')
		escaped.WriteByte(digits[id[i]>>4])
		escaped.WriteByte(digits[id[i]&0xf])
	}
	return escaped.String()
}

func TestLocationsAreUsable(t *testing.T) {
	t.Parallel()
	for _, id := range unusualIDs(t) {
		created := writer().post(t, workflows, startBody("Unpolled", id, "unpolled-"+newID(t))).expect(t, http.StatusCreated)
		s := as[started](t, created)
		w := as[workflow](t, writer().get(t, created.header.Get("Location")).expect(t, http.StatusOK))
		require.Equal(t, []string{id, s.RunID}, []string{w.WorkflowID, w.RunID})

		pending := writer().get(t, workflowPath(id, "/result")).expect(t, http.StatusAccepted)
		terminate(t, id)
		o := as[outcome](t, writer().get(t, pending.header.Get("Location")+"&wait=30s").expect(t, http.StatusOK))
		require.Equal(t, []string{id, s.RunID, "TERMINATED"}, []string{o.WorkflowID, o.RunID, o.Status})
	}
}

// TestDotSegmentsByParameter uses the workflow ids "." and "..". No other test may use them, because they are not
// unique.
func TestDotSegmentsByParameter(t *testing.T) {
	t.Parallel()
	for _, id := range []string{".", ".."} {
		body := startBody("Wait", id, sample.TaskQueue, `"idConflictPolicy":"TERMINATE_EXISTING"`)
		created := writer().post(t, workflows, body).expect(t, http.StatusCreated)
		s := as[started](t, created)
		require.Equal(t, id, s.WorkflowID)
		require.Equal(t, workflows+"/-?runId="+s.RunID+"&workflowId="+id, created.header.Get("Location"))

		query := "?workflowId=" + id
		w := as[workflow](t, writer().get(t, workflows+"/-"+query).expect(t, http.StatusOK))
		require.Equal(t, []string{id, s.RunID}, []string{w.WorkflowID, w.RunID})
		writer().get(t, workflows+"/-/query"+query+"&query=state").expect(t, http.StatusOK)
		writer().get(t, workflows+"/-/metadata"+query).expect(t, http.StatusOK)
		writer().post(t, workflows+"/-/query"+query, `{"query":"state"}`).expect(t, http.StatusOK)
		writer().post(t, workflows+"/-/signal"+query, `{"signal":"poke"}`).expect(t, http.StatusNoContent)
		writer().post(t, workflows+"/-/cancel"+query, "").expect(t, http.StatusNoContent)
		o := as[outcome](t, writer().get(t, workflows+"/-/result"+query+"&wait=30s").expect(t, http.StatusOK))
		require.Equal(t, "CANCELED", o.Status)
		writer().post(t, workflows+"/-/terminate"+query, "").problem(t, http.StatusConflict, "workflow-completed")
	}
}

func TestParameterRequiresDashSegment(t *testing.T) {
	t.Parallel()
	s := startWithoutWorker(t)
	writer().get(t, workflowPath(s.WorkflowID)+"?workflowId="+url.QueryEscape(s.WorkflowID)).problem(t, http.StatusBadRequest, "invalid-request")
	terminate(t, s.WorkflowID)
}
