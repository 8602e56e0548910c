package e2e_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/sample"
)

const workflows = "/v1/namespaces/default/workflows"

// newID is a workflow id that no other test has, nor another run of the same.
func newID(t *testing.T) string {
	t.Helper()
	return strings.ReplaceAll(t.Name(), "/", ".") + "-" + uuid.NewString()[:8]
}

// workflowPath is the path of a workflow, or of what belongs to it.
func workflowPath(workflowID string, rest ...string) string {
	return workflows + "/" + url.PathEscape(workflowID) + strings.Join(rest, "")
}

// runQuery is the query that names a run.
func runQuery(runID string) string { return "?runId=" + runID }

// startBody is the body of a start. Fields are more of its members, as JSON.
func startBody(workflowType, workflowID, taskQueue string, fields ...string) string {
	members := []string{
		`"workflowType":` + quote(workflowType), `"workflowId":` + quote(workflowID), `"taskQueue":` + quote(taskQueue),
	}
	return "{" + strings.Join(append(members, fields...), ",") + "}"
}

// quote is the JSON string of a text, which Go's own is too where all of the text is printable.
func quote(text string) string { return strconv.Quote(text) }

// start starts a workflow of its own for the test, on the sample worker.
func start(t *testing.T, workflowType string, fields ...string) started {
	t.Helper()
	body := startBody(workflowType, newID(t), sample.TaskQueue, fields...)
	return as[started](t, writer().post(t, workflows, body).expect(t, http.StatusCreated))
}

// startUnpolled starts a workflow on a task queue that nobody polls, so that it stays as it is.
func startUnpolled(t *testing.T, fields ...string) started {
	t.Helper()
	return startUnpolledAs(t, newID(t), fields...)
}

func startUnpolledAs(t *testing.T, workflowID string, fields ...string) started {
	t.Helper()
	body := startBody("Nobody", workflowID, "nobody-"+newID(t), fields...)
	return as[started](t, writer().post(t, workflows, body).expect(t, http.StatusCreated))
}

// finish lets a Wait workflow complete with value.
func finish(t *testing.T, workflowID, value string) {
	t.Helper()
	writer().post(t, workflowPath(workflowID, "/signal"), `{"signal":"finish","args":[`+value+`]}`).expect(t, http.StatusNoContent)
}

// terminate ends the current run.
func terminate(t *testing.T, workflowID string) {
	t.Helper()
	writer().post(t, workflowPath(workflowID, "/terminate"), "").expect(t, http.StatusNoContent)
}

// end waits for the outcome of a workflow.
func end(t *testing.T, workflowID string) outcome {
	t.Helper()
	return as[outcome](t, writer().get(t, workflowPath(workflowID, "/result?wait=30s")).expect(t, http.StatusOK))
}

func describe(t *testing.T, workflowID string) workflow {
	t.Helper()
	return as[workflow](t, writer().get(t, workflowPath(workflowID)).expect(t, http.StatusOK))
}

// eventually asks until the answer is yes, and fails the test when that takes too long.
func eventually(t *testing.T, what string, ask func() bool) {
	t.Helper()
	const patience, pause = 30 * time.Second, 20 * time.Millisecond
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for !ask() {
		select {
		case <-ticker.C:
		case <-deadline.C:
			require.FailNow(t, "it did not come true: "+what)
		}
	}
}
