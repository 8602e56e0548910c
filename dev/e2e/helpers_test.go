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

// newID returns an id that no other test and no other run of the tests uses.
func newID(t *testing.T) string {
	t.Helper()
	return strings.ReplaceAll(t.Name(), "/", ".") + "-" + uuid.NewString()[:8]
}

// workflowPath returns the path of a workflow, with rest appended.
func workflowPath(workflowID string, rest ...string) string {
	return workflows + "/" + url.PathEscape(workflowID) + strings.Join(rest, "")
}

// runIDQuery returns the query string that selects a run of a workflow.
func runIDQuery(runID string) string { return "?runId=" + runID }

// startBody returns the request body that starts a workflow. fields are additional JSON members.
func startBody(workflowType, workflowID, taskQueue string, fields ...string) string {
	members := []string{
		`"workflowType":` + quote(workflowType), `"workflowId":` + quote(workflowID), `"taskQueue":` + quote(taskQueue),
	}
	return "{" + strings.Join(append(members, fields...), ",") + "}"
}

// quote returns text as a JSON string. For printable text, Go and JSON have the same syntax.
func quote(text string) string { return strconv.Quote(text) }

// start starts a workflow with a unique id on the task queue of the sample worker.
func start(t *testing.T, workflowType string, fields ...string) started {
	t.Helper()
	body := startBody(workflowType, newID(t), sample.TaskQueue, fields...)
	return as[started](t, writer().post(t, workflows, body).expect(t, http.StatusCreated))
}

// startWithoutWorker starts a workflow on a task queue that has no worker, so that the workflow makes no progress.
func startWithoutWorker(t *testing.T, fields ...string) started {
	t.Helper()
	return startWithoutWorkerWithID(t, newID(t), fields...)
}

func startWithoutWorkerWithID(t *testing.T, workflowID string, fields ...string) started {
	t.Helper()
	body := startBody("Unpolled", workflowID, "unpolled-"+newID(t), fields...)
	return as[started](t, writer().post(t, workflows, body).expect(t, http.StatusCreated))
}

// signalFinish sends the signal "finish" to a Wait workflow, which then completes. value, in JSON, is the result.
func signalFinish(t *testing.T, workflowID, value string) {
	t.Helper()
	writer().post(t, workflowPath(workflowID, "/signal"), `{"signal":"finish","args":[`+value+`]}`).expect(t, http.StatusNoContent)
}

// terminate terminates the current run of a workflow.
func terminate(t *testing.T, workflowID string) {
	t.Helper()
	writer().post(t, workflowPath(workflowID, "/terminate"), "").expect(t, http.StatusNoContent)
}

// awaitOutcome waits until a workflow has closed and returns the outcome of the last run.
func awaitOutcome(t *testing.T, workflowID string) outcome {
	t.Helper()
	return as[outcome](t, writer().get(t, workflowPath(workflowID, "/result?wait=30s")).expect(t, http.StatusOK))
}

func describe(t *testing.T, workflowID string) workflow {
	t.Helper()
	return as[workflow](t, writer().get(t, workflowPath(workflowID)).expect(t, http.StatusOK))
}
