package e2e_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/flowgate/flowgate/dev/sample"
)

const workflows = "/v1/namespaces/default/workflows"

// newID returns a workflow id that is unique among all tests and runs of the tests.
func newID(t *testing.T) string {
	t.Helper()
	return strings.ReplaceAll(t.Name(), "/", ".") + "-" + uuid.NewString()[:8]
}

// workflowPath returns the path of a workflow, or a path below it.
func workflowPath(workflowID string, rest ...string) string {
	return workflows + "/" + url.PathEscape(workflowID) + strings.Join(rest, "")
}

// runQuery returns the query string that selects a run.
func runQuery(runID string) string { return "?runId=" + runID }

// startBody returns the body of a start. fields are additional members in JSON.
func startBody(workflowType, workflowID, taskQueue string, fields ...string) string {
	members := []string{
		`"workflowType":` + quote(workflowType), `"workflowId":` + quote(workflowID), `"taskQueue":` + quote(taskQueue),
	}
	return "{" + strings.Join(append(members, fields...), ",") + "}"
}

// quote returns text as a JSON string. The syntax of Go is the same for printable text.
func quote(text string) string { return strconv.Quote(text) }

// start starts a workflow with a unique id on the sample worker.
func start(t *testing.T, workflowType string, fields ...string) started {
	t.Helper()
	body := startBody(workflowType, newID(t), sample.TaskQueue, fields...)
	return as[started](t, writer().post(t, workflows, body).expect(t, http.StatusCreated))
}

// startUnpolled starts a workflow on a task queue without a worker, so that it makes no progress.
func startUnpolled(t *testing.T, fields ...string) started {
	t.Helper()
	return startUnpolledAs(t, newID(t), fields...)
}

func startUnpolledAs(t *testing.T, workflowID string, fields ...string) started {
	t.Helper()
	body := startBody("Unpolled", workflowID, "unpolled-"+newID(t), fields...)
	return as[started](t, writer().post(t, workflows, body).expect(t, http.StatusCreated))
}

// finish completes a Wait workflow with value.
func finish(t *testing.T, workflowID, value string) {
	t.Helper()
	writer().post(t, workflowPath(workflowID, "/signal"), `{"signal":"finish","args":[`+value+`]}`).expect(t, http.StatusNoContent)
}

// terminate terminates the current run.
func terminate(t *testing.T, workflowID string) {
	t.Helper()
	writer().post(t, workflowPath(workflowID, "/terminate"), "").expect(t, http.StatusNoContent)
}

// end waits for a workflow to close and returns its outcome.
func end(t *testing.T, workflowID string) outcome {
	t.Helper()
	return as[outcome](t, writer().get(t, workflowPath(workflowID, "/result?wait=30s")).expect(t, http.StatusOK))
}

func describe(t *testing.T, workflowID string) workflow {
	t.Helper()
	return as[workflow](t, writer().get(t, workflowPath(workflowID)).expect(t, http.StatusOK))
}
