package e2e_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
)

const batches = "/v1/namespaces/default/batches"

type batch struct {
	JobID, State, OperationType, Identity, Reason, Query string

	StartTime, CloseTime time.Time

	Progress   progress
	Executions []execution
}

type progress struct{ Total, Completed, Failed int }

// startQueryable starts the given number of workflows without a worker. It returns them and a visibility query that
// finds them.
func startQueryable(t *testing.T, number int) (runs []started, query string) {
	t.Helper()
	customer := newID(t)
	for i := range number {
		runs = append(runs, startWithoutWorkerWithID(t, customer+strconv.Itoa(i), `"searchAttributes":{"CustomerId":`+quote(customer)+`}`))
	}
	query = `CustomerId = "` + customer + `"`
	e2etest.Eventually(t, "the query finds all", func() bool { return dryRun(t, query, `"terminate":{}`) == number })
	return runs, query
}

// dryRun returns the number of workflows to which a batch job would apply the operation.
func dryRun(t *testing.T, query, operation string) int {
	t.Helper()
	a := writer().post(t, batches, `{"query":`+quote(query)+`,"operation":{`+operation+`},"dryRun":true}`).expect(t, http.StatusOK)
	return as[struct{ Count int }](t, a).Count
}

// startBatch starts a batch job and returns the Location of the response.
func startBatch(t *testing.T, c caller, body string) string {
	t.Helper()
	a := c.post(t, batches, body).expect(t, http.StatusCreated)
	location := a.header.Get("Location")
	require.Equal(t, batches+"/"+as[batch](t, a).JobID, location)
	return location
}

// awaitBatch waits until a batch job has ended.
func awaitBatch(t *testing.T, location string) batch {
	t.Helper()
	var job batch
	e2etest.Eventually(t, "the job ends", func() bool {
		job = as[batch](t, writer().get(t, location).expect(t, http.StatusOK))
		return job.State != "RUNNING"
	})
	return job
}

func TestBatchTerminatesByQuery(t *testing.T) {
	t.Parallel()
	const number = 3
	runs, query := startQueryable(t, number)
	require.Equal(t, number, dryRun(t, query, `"reset":{"resetType":"LAST_WORKFLOW_TASK"}`))
	withKey := writer().with("Idempotency-Key", newID(t))
	body := `{"query":` + quote(query) + `,"operation":{"terminate":{}},"reason":"left <us>"}`
	location := startBatch(t, withKey, body)
	require.Equal(t, location, startBatch(t, withKey, body))
	job := awaitBatch(t, location)
	require.Equal(t, []string{"COMPLETED", "TERMINATE_WORKFLOW", writerKeyID, "left <us>", query},
		[]string{job.State, job.OperationType, job.Identity, job.Reason, job.Query})
	require.Equal(t, progress{Total: number, Completed: number}, job.Progress)
	require.False(t, job.CloseTime.Before(job.StartTime))
	for _, s := range runs {
		o := awaitOutcome(t, s.WorkflowID)
		require.Equal(t, []string{"TERMINATED", "left <us>"}, []string{o.Status, o.Failure.Message})
	}
	e2etest.Eventually(t, "closed workflows are not counted", func() bool { return dryRun(t, query, `"cancel":{}`) == 0 })
	require.Equal(t, number, dryRun(t, query, `"delete":{}`))
	writer().post(t, location+"/stop", "").problem(t, http.StatusConflict, "conflict")
}

func TestBatchAppliesEachOperationToListedWorkflows(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		operation, operationType string
		// done reports whether the operation has taken effect on the workflow.
		done func(t *testing.T, s started) bool
	}{
		"cancel": {`"cancel":{}`, "CANCEL_WORKFLOW", func(t *testing.T, s started) bool {
			t.Helper()
			return describe(t, s.WorkflowID).Status == "CANCELED"
		}},
		"signal": {`"signal":{"signal":"finish","args":["done"]}`, "SIGNAL_WORKFLOW", func(t *testing.T, s started) bool {
			t.Helper()
			return string(awaitOutcome(t, s.WorkflowID).Result) == `"done"`
		}},
		"reset": {`"reset":{"resetType":"LAST_WORKFLOW_TASK","reapplyExclude":["SIGNAL"]}`, "RESET_WORKFLOW", func(t *testing.T, s started) bool {
			t.Helper()
			return describe(t, s.WorkflowID).RunID != s.RunID
		}},
		"reset with options": {
			`"reset":{"resetType":"FIRST_WORKFLOW_TASK","updateOptions":{"priority":{"priorityKey":2}}}`, "RESET_WORKFLOW",
			func(t *testing.T, s started) bool {
				t.Helper()
				w := describe(t, s.WorkflowID)
				return w.RunID != s.RunID && string(w.Priority) == `{"priorityKey":2}`
			},
		},
		"updateOptions": {`"updateOptions":{"priority":{"priorityKey":5}}`, "UPDATE_WORKFLOW_EXECUTION_OPTIONS", func(t *testing.T, s started) bool {
			t.Helper()
			return strings.Contains(string(writer().get(t, workflowPath(s.WorkflowID)).body), `"priority":{"priorityKey":5}`)
		}},
		"delete": {`"delete":{}`, "DELETE_WORKFLOW", func(t *testing.T, s started) bool {
			t.Helper()
			return writer().get(t, workflowPath(s.WorkflowID)).status == http.StatusNotFound
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startWithSignals(t, 0) // its first workflow task has completed, which a reset requires
			jobID := newID(t)
			executions := `"executions":[{"workflowId":` + quote(s.WorkflowID) + `,"runId":` + quote(s.RunID) + `}]`
			a := writer().post(t, batches, `{`+executions+`,"operation":{`+test.operation+`},"dryRun":true}`).expect(t, http.StatusOK)
			require.JSONEq(t, `{"count":1}`, string(a.body))
			body := `{` + executions + `,"operation":{` + test.operation + `},"jobId":` + quote(jobID) + `}`
			job := awaitBatch(t, startBatch(t, writer(), body))
			require.Equal(t, []string{jobID, "COMPLETED", test.operationType}, []string{job.JobID, job.State, job.OperationType})
			require.Equal(t, []execution{{WorkflowID: s.WorkflowID, RunID: s.RunID}}, job.Executions)
			require.Equal(t, progress{Total: 1, Completed: 1}, job.Progress)
			e2etest.Eventually(t, "the operation has taken effect", func() bool { return test.done(t, s) })
			writer().post(t, batches, body).problem(t, http.StatusConflict, "conflict")
		})
	}
}

// The gateway validates the query. The server does not: it would start a job, which would then fail.
func TestBatchWithInvalidQueryIsRejected(t *testing.T) {
	t.Parallel()
	for _, query := range []string{
		`NoSuchAttr = "x"`, `WorkflowType =`, `WorkflowType = "none" ORDER BY StartTime`, `WorkflowType = "none" GROUP BY ExecutionStatus`,
		`ORDER BY StartTime`, `GROUP BY ExecutionStatus`, ` `,
	} {
		for _, operation := range []string{`"cancel":{}`, `"delete":{}`} {
			for _, dryRun := range []string{"false", "true"} {
				jobID := newID(t)
				p := writer().post(t, batches, `{"query":`+quote(query)+`,"operation":{`+operation+`},"jobId":`+quote(jobID)+`,"dryRun":`+dryRun+`}`).
					problem(t, http.StatusBadRequest, "invalid-request")
				require.NotEmpty(t, p.Detail, query)
				writer().get(t, batches+"/"+jobID).problem(t, http.StatusNotFound, "batch-not-found")
			}
		}
	}
}

// A batch job completes even if the operation fails for some workflows, and reports their number.
func TestBatchCountsFailures(t *testing.T) {
	t.Parallel()
	done := startWithSignals(t, 0)
	failing := startWithoutWorker(t) // no workflow task has completed, so the reset fails
	executions := `[{"workflowId":` + quote(done.WorkflowID) + `},{"workflowId":` + quote(failing.WorkflowID) + `}]`
	job := awaitBatch(t, startBatch(t, writer(), `{"executions":`+executions+`,"operation":{"reset":{"resetType":"LAST_WORKFLOW_TASK"}}}`))
	require.Equal(t, "COMPLETED", job.State)
	require.Equal(t, progress{Total: 2, Completed: 1, Failed: 1}, job.Progress)
	require.NotEqual(t, done.RunID, describe(t, done.WorkflowID).RunID)
	require.Equal(t, failing.RunID, describe(t, failing.WorkflowID).RunID)
	terminate(t, done.WorkflowID)
	terminate(t, failing.WorkflowID)
}

// startLongJob starts a batch job that runs long enough for a test to read or stop it: the server processes 50
// workflows per second.
func startLongJob(t *testing.T, workflows int) (location string) {
	t.Helper()
	executions := make([]string, workflows)
	for i := range executions {
		executions[i] = `{"workflowId":"missing-` + strconv.Itoa(i) + `"}`
	}
	return startBatch(t, writer(), `{"executions":[`+strings.Join(executions, ",")+`],"operation":{"cancel":{}}}`)
}

// A running job reports the total number of operations. The test does not check the number of completed ones, which the
// server updates only after every thousand.
func TestBatchReportsProgress(t *testing.T) {
	t.Parallel()
	const number = 900
	location := startLongJob(t, number)
	e2etest.Eventually(t, "the total is known", func() bool {
		job := as[batch](t, writer().get(t, location).expect(t, http.StatusOK))
		require.Equal(t, "RUNNING", job.State)
		return job.Progress.Total == number
	})
	writer().post(t, location+"/stop", "").expect(t, http.StatusNoContent)
}

func TestBatchIsStopped(t *testing.T) {
	t.Parallel()
	location := startLongJob(t, 900)
	writer().post(t, location+"/stop", `{"reason":"the wrong ones"}`).expect(t, http.StatusNoContent)
	require.Equal(t, "FAILED", awaitBatch(t, location).State)
	writer().post(t, location+"/stop", "").problem(t, http.StatusConflict, "conflict")
}

func TestBatchesAreListed(t *testing.T) {
	t.Parallel()
	location := startBatch(t, writer(), `{"executions":[{"workflowId":"unpolled"}],"operation":{"cancel":{}}}`)
	want := awaitBatch(t, location)
	e2etest.Eventually(t, "the job is listed", func() bool {
		page := as[struct{ Batches []batch }](t, reader().get(t, batches+"?pageSize=1000").expect(t, http.StatusOK))
		return slices.ContainsFunc(page.Batches, func(b batch) bool { return b.JobID == want.JobID && b.State == want.State })
	})
	first := as[struct{ NextPageToken string }](t, reader().get(t, batches+"?pageSize=1"))
	lines := reader().with("Accept", typeNDJSON).get(t, batches+"?limit=1").expect(t, http.StatusOK)
	require.NotEmpty(t, as[batch](t, lines).JobID)
	if first.NextPageToken != "" {
		reader().get(t, batches+"?pageSize=1&pageToken="+first.NextPageToken).expect(t, http.StatusOK)
	}
}

func TestInvalidBatchIsRejected(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"operation":{"cancel":{}}}`,
		`{"query":"a = 1","executions":[{"workflowId":"w"}],"operation":{"cancel":{}}}`,
		`{"query":"WorkflowType = 'Order'","operation":{}}`,
		`{"query":"WorkflowType = 'Order'","operation":{"cancel":{},"delete":{}}}`,
		`{"query":"WorkflowType = 'Order'","operation":{"signal":{"signal":""}}}`,
		`{"query":"WorkflowType = 'Order'","operation":{"reset":{}}}`,
		`{"query":"WorkflowType = 'Order'","operation":{"reset":{"resetType":"FIRST_WORKFLOW_TASK","buildId":"b"}}}`,
		`{"query":"WorkflowType = 'Order'","operation":{"updateOptions":{}}}`,
		`{"query":"WorkflowType = ","operation":{"cancel":{}}}`,
		`{"query":"WorkflowType = ","operation":{"cancel":{}},"dryRun":true}`,
		`{"executions":[{"workflowId":""}],"operation":{"cancel":{}}}`,
	} {
		writer().post(t, batches, body).problem(t, http.StatusBadRequest, "invalid-request")
	}
	writer().post(t, batches, `{"query":"WorkflowType = 'Order'","operation":{"cancel":{"why":1}}}`).
		problem(t, http.StatusBadRequest, "unknown-field")
}

func TestUnknownBatchIsNotFound(t *testing.T) {
	t.Parallel()
	id := newID(t)
	writer().get(t, batches+"/"+id).problem(t, http.StatusNotFound, "batch-not-found")
	writer().post(t, batches+"/"+id+"/stop", "").problem(t, http.StatusNotFound, "batch-not-found")
}

func TestStopRejectsWorkflowThatIsNotBatch(t *testing.T) {
	t.Parallel()
	s := startWithoutWorker(t)
	writer().post(t, batches+"/"+s.WorkflowID+"/stop", "").problem(t, http.StatusNotFound, "batch-not-found")
	require.Equal(t, "RUNNING", describe(t, s.WorkflowID).Status)
	terminate(t, s.WorkflowID)
}
