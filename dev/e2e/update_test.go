package e2e_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
	"github.com/flowgate/flowgate/dev/sample"
)

const updatesWithStart = workflows + ":updateWithStart"

// startLedger starts a workflow with update handlers.
func startLedger(t *testing.T) started {
	t.Helper()
	return as[started](t, writer().post(t, workflows, ledgerStart(newID(t))).expect(t, http.StatusCreated))
}

// ledgerStart returns the body of the start of a ledger. fields are additional members.
func ledgerStart(id string, fields ...string) string {
	return startBody("Ledger", id, testQueue, append(fields, `"args":[0]`)...)
}

// updateBody returns the body of an update.
func updateBody(update string, n int, fields ...string) string {
	members := append([]string{`"update":` + quote(update), fmt.Sprintf(`"args":[%d]`, n)}, fields...)
	return "{" + strings.Join(members, ",") + "}"
}

func (c caller) update(t *testing.T, workflowID, body string) apiResponse {
	t.Helper()
	return c.post(t, workflowPath(workflowID, "/updates"), body)
}

func TestUpdateReturnsResult(t *testing.T) {
	t.Parallel()
	s := startLedger(t)
	u := as[updated](t, writer().update(t, s.WorkflowID, updateBody("add", 7)).expect(t, http.StatusOK))
	require.Equal(t, updated{
		WorkflowID: s.WorkflowID, RunID: s.RunID, UpdateID: u.UpdateID, Stage: "COMPLETED", Status: "COMPLETED", Result: []byte("7"),
	}, u)
	again := reader().get(t, workflowPath(s.WorkflowID, "/updates/", u.UpdateID)).expect(t, http.StatusOK)
	require.Equal(t, u, as[updated](t, again))
	terminate(t, s.WorkflowID)
	again = reader().get(t, workflowPath(s.WorkflowID, "/updates/", u.UpdateID, runQuery(u.RunID), "&wait=5s")).expect(t, http.StatusOK)
	require.Equal(t, u, as[updated](t, again), "after the workflow has closed")
	writer().update(t, s.WorkflowID, updateBody("add", 1)).problem(t, http.StatusConflict, "workflow-completed")
}

// The rejection of a validator, the failure of a handler and an update without a worker have different responses.
func TestUpdateRejectedFailedOrNotAccepted(t *testing.T) {
	t.Parallel()
	s := startLedger(t)
	rejected := as[updated](t, writer().update(t, s.WorkflowID, updateBody("add", 0, `"updateId":"zero"`)).expect(t, http.StatusOK))
	require.Equal(t, []string{"COMPLETED", "REJECTED"}, []string{rejected.Stage, rejected.Status})
	require.Equal(t, "0 is not positive", rejected.Failure.Message)
	p := writer().get(t, workflowPath(s.WorkflowID, "/updates/zero")).problem(t, http.StatusNotFound, "update-not-found")
	require.Equal(t, []string{s.WorkflowID, "zero"}, []string{p.WorkflowID, p.UpdateID})

	failed := as[updated](t, writer().update(t, s.WorkflowID, updateBody("add", 101, `"updateId":"too-much"`)).expect(t, http.StatusOK))
	require.Equal(t, []string{"COMPLETED", "FAILED"}, []string{failed.Stage, failed.Status})
	require.Equal(t, "TooMuch", failed.Failure.Type)
	require.Equal(t, failed, as[updated](t, writer().get(t, workflowPath(s.WorkflowID, "/updates/too-much")).expect(t, http.StatusOK)))
	writer().post(t, workflowPath(s.WorkflowID, "/updates?failureStatus=422"), updateBody("add", 101)).expect(t, http.StatusUnprocessableEntity)
	writer().get(t, workflowPath(s.WorkflowID, "/updates/too-much?failureStatus=422")).expect(t, http.StatusUnprocessableEntity)

	unknown := as[updated](t, writer().update(t, s.WorkflowID, updateBody("subtract", 1)).expect(t, http.StatusOK))
	require.Equal(t, "REJECTED", unknown.Status)

	idle := startUnpolled(t)
	begin := time.Now()
	p = writer().post(t, workflowPath(idle.WorkflowID, "/updates?wait=2s"), updateBody("add", 1, `"updateId":"one"`)).
		problem(t, http.StatusServiceUnavailable, "update-not-admitted")
	require.Less(t, time.Since(begin), 10*time.Second)
	require.Equal(t, []string{idle.WorkflowID, "one"}, []string{p.WorkflowID, p.UpdateID})
	require.True(t, p.Retryable)
	terminate(t, s.WorkflowID)
	terminate(t, idle.WorkflowID)
}

// The server does not remember rejected updates, so equal concurrent updates must each be rejected.
func TestConcurrentRejectedUpdatesAreAllRejected(t *testing.T) {
	t.Parallel()
	s := startLedger(t)
	for range 5 {
		all := concurrently(20, func(i int) apiResponse {
			c := writer().onGateway(shared.replicas[i%len(shared.replicas)])
			if i%4 == 3 {
				return c.post(t, updatesWithStart, withStart(s.WorkflowID, "USE_EXISTING", updateBody("add", 0, `"updateId":"zero"`)))
			}
			return c.update(t, s.WorkflowID, updateBody("add", 0, `"updateId":"zero"`))
		})
		for _, a := range all {
			require.Equal(t, http.StatusOK, a.status, string(a.body))
			require.Contains(t, string(a.body), `"stage":"COMPLETED","status":"REJECTED"`)
		}
	}
	terminate(t, s.WorkflowID)
}

// concurrently calls do n times concurrently and returns the responses.
func concurrently(n int, do func(i int) apiResponse) []apiResponse {
	responses := make([]apiResponse, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { responses[i] = do(i) })
	}
	wg.Wait()
	return responses
}

// A reset closes the run of an update that no worker has accepted, and the next run accepts it.
func TestUpdateSurvivesReset(t *testing.T) {
	t.Parallel()
	queue := "late-" + newID(t)
	firstWorker := newWorkerOn(shared.stack.Client(), queue)
	require.NoError(t, firstWorker.Start())
	s := as[started](t, writer().post(t, workflows, startBody("Ledger", newID(t), queue, `"args":[0]`)).expect(t, http.StatusCreated))
	writer().update(t, s.WorkflowID, updateBody("add", 1)).expect(t, http.StatusOK)
	firstWorker.Stop()

	sent := make(chan apiResponse, 2)
	for _, run := range []string{"", runQuery(s.RunID)} {
		go func() {
			body := updateBody("add", 7, `"updateId":`+quote("seven"+run[:min(len(run), 1)]))
			a, err := writer().send(t.Context(), http.MethodPost, workflowPath(s.WorkflowID, "/updates", run), body)
			assert.NoError(t, err)
			sent <- a
		}()
	}
	for _, id := range []string{"seven", "seven%3F"} {
		e2etest.Eventually(t, "the server has the update", func() bool {
			return writer().get(t, workflowPath(s.WorkflowID, "/updates/", id)).status == http.StatusAccepted
		})
	}
	r := resetTo(t, s, `{"resetType":"LAST_WORKFLOW_TASK"}`)
	(<-sent).problem(t, http.StatusConflict, "workflow-completed") // in the given run
	lateWorker := newWorkerOn(shared.stack.Client(), queue)
	require.NoError(t, lateWorker.Start())
	defer lateWorker.Stop()
	u := as[updated](t, (<-sent).expect(t, http.StatusOK))
	require.Equal(t, []string{r.RunID, "seven", "8"}, []string{u.RunID, u.UpdateID, string(u.Result)})
	terminate(t, s.WorkflowID)
}

func TestUpdateIsAcceptedBeforeCompletion(t *testing.T) {
	t.Parallel()
	s := startLedger(t)
	a := writer().update(t, s.WorkflowID, updateBody("addLater", 5, `"updateId":"a/b ?"`, `"waitForStage":"ACCEPTED"`)).expect(t, http.StatusAccepted)
	u := as[updated](t, a)
	require.Equal(t, updated{WorkflowID: s.WorkflowID, RunID: s.RunID, UpdateID: "a/b ?", Stage: "ACCEPTED"}, u)
	location := a.header.Get("Location")
	require.Equal(t, u, as[updated](t, writer().get(t, location).expect(t, http.StatusAccepted)))
	require.Equal(t, u, as[updated](t, writer().get(t, location+"&wait=1s").expect(t, http.StatusAccepted)))
	require.Equal(t, u, as[updated](t, writer().get(t, workflowPath(s.WorkflowID, "/updates/", url.PathEscape("a/b ?"))).expect(t, http.StatusAccepted)))
	pending := writer().post(t, workflowPath(s.WorkflowID, "/updates?wait=1s"), updateBody("addLater", 5, `"updateId":"a/b ?"`)).expect(t, http.StatusAccepted)
	require.Equal(t, u, as[updated](t, pending), "the same update")

	writer().post(t, workflowPath(s.WorkflowID, "/signal"), `{"signal":"go"}`).expect(t, http.StatusNoContent)
	done := as[updated](t, writer().get(t, location+"&wait=30s").expect(t, http.StatusOK))
	require.Equal(t, "5", string(done.Result))
	terminate(t, s.WorkflowID)
}

// Temporal permits 10 updates of a workflow in flight. Another is rejected and does not affect the others.
func TestUpdateBeyondLimitIsRejected(t *testing.T) {
	t.Parallel()
	const limit = 10
	s, other := startLedger(t), startLedger(t)
	locations := make([]string, limit)
	for i := range locations {
		slow := updateBody("addLater", 1, `"waitForStage":"ACCEPTED"`)
		locations[i] = writer().update(t, s.WorkflowID, slow).expect(t, http.StatusAccepted).header.Get("Location")
	}
	waits, errs := make([]apiResponse, limit), make([]error, limit)
	var waiting sync.WaitGroup
	for i, location := range locations {
		waiting.Go(func() { waits[i], errs[i] = writer().send(t.Context(), http.MethodGet, location+"&wait=30s", "") })
	}
	const wait = 20 * time.Second
	more := updateBody("add", 1, `"updateId":"one-more"`)
	for path, body := range map[string]string{
		workflowPath(s.WorkflowID, "/updates?wait=20s"): more,
		updatesWithStart + "?wait=20s":                  withStart(s.WorkflowID, "USE_EXISTING", more),
	} {
		begin := time.Now()
		rejected := writer().post(t, path, body)
		p := rejected.problem(t, http.StatusServiceUnavailable, "workflow-busy")
		require.Less(t, time.Since(begin), wait)
		require.Equal(t, []string{s.WorkflowID, "one-more"}, []string{p.WorkflowID, p.UpdateID})
		require.True(t, p.Retryable)
		require.NotEmpty(t, rejected.header.Get("Retry-After"))
	}
	require.Equal(t, "1", string(as[updated](t, writer().update(t, other.WorkflowID, updateBody("add", 1)).expect(t, http.StatusOK)).Result))

	writer().post(t, workflowPath(s.WorkflowID, "/signal"), `{"signal":"go"}`).expect(t, http.StatusNoContent)
	waiting.Wait()
	for i, done := range waits {
		require.NoError(t, errs[i])
		require.Equal(t, "COMPLETED", as[updated](t, done.expect(t, http.StatusOK)).Status)
	}
	last := writer().update(t, s.WorkflowID, more).expect(t, http.StatusOK)
	require.Equal(t, "11", string(as[updated](t, last).Result))
	terminate(t, s.WorkflowID)
	terminate(t, other.WorkflowID)
}

func TestRepeatedUpdateRunsOnce(t *testing.T) {
	t.Parallel()
	s := startLedger(t)
	sum := func(c caller, body string) string {
		return string(as[updated](t, c.update(t, s.WorkflowID, body).expect(t, http.StatusOK)).Result)
	}
	once := writer().with("Idempotency-Key", "once")
	require.Equal(t, "1", sum(once, updateBody("add", 1)))
	require.Equal(t, "1", sum(once, updateBody("add", 1)))
	require.Equal(t, "1", sum(once.onGateway(shared.replicas[1]), updateBody("add", 1)))
	require.Equal(t, "2", sum(writer().with("Idempotency-Key", "twice"), updateBody("add", 1)))
	require.Equal(t, "3", sum(bearer(manyKey).with("Idempotency-Key", "once"), updateBody("add", 1)), "another caller's key is another key")
	require.Equal(t, "4", sum(once, updateBody("add", 1, `"updateId":"mine"`)), "an explicit id takes precedence")
	require.Equal(t, "4", sum(bearer(manyKey), updateBody("add", 1, `"updateId":"mine"`)))
	require.Equal(t, "5", sum(writer(), updateBody("add", 1)), "without a key nothing is deduplicated")
	require.Equal(t, "7", sum(once, updateBody("add", 2)), "another body is another update")
	require.Equal(t, "7", sum(once, updateBody("add", 2)))
	unknown := as[updated](t, once.update(t, s.WorkflowID, updateBody("noSuchUpdate", 1)).expect(t, http.StatusOK))
	require.Equal(t, "REJECTED", unknown.Status, "another name is another update")
	terminate(t, s.WorkflowID)
}

// An update without a worker that is sent again runs once when a worker starts.
func TestRepeatedUpdateWithoutWorkerRunsOnce(t *testing.T) {
	t.Parallel()
	queue := "late-" + newID(t)
	s := as[started](t, writer().post(t, workflows, startBody("Ledger", newID(t), queue, `"args":[0]`)).expect(t, http.StatusCreated))
	body := updateBody("add", 7, `"updateId":"seven"`)
	for range 2 {
		writer().post(t, workflowPath(s.WorkflowID, "/updates?wait=1s"), body).problem(t, http.StatusServiceUnavailable, "update-not-admitted")
	}
	lateWorker := newWorkerOn(shared.stack.Client(), queue)
	require.NoError(t, lateWorker.Start())
	defer lateWorker.Stop()
	for range 2 {
		require.Equal(t, "7", string(as[updated](t, writer().update(t, s.WorkflowID, body).expect(t, http.StatusOK)).Result))
	}
	terminate(t, s.WorkflowID)
}

func TestUpdateIsBoundToRun(t *testing.T) {
	t.Parallel()
	s := startLedger(t)
	u := as[updated](t, writer().update(t, s.WorkflowID, updateBody("add", 3)).expect(t, http.StatusOK))
	writer().post(t, workflowPath(s.WorkflowID, "/signal"), `{"signal":"next"}`).expect(t, http.StatusNoContent)
	e2etest.Eventually(t, "the ledger has continued as new", func() bool { return describe(t, s.WorkflowID).RunID != s.RunID })
	writer().get(t, workflowPath(s.WorkflowID, "/updates/", u.UpdateID)).problem(t, http.StatusNotFound, "update-not-found")
	require.Equal(t, u, as[updated](t, writer().get(t, workflowPath(s.WorkflowID, "/updates/", u.UpdateID, runQuery(s.RunID))).expect(t, http.StatusOK)))
	current := describe(t, s.WorkflowID).RunID
	pinned := as[updated](t, writer().post(t, workflowPath(s.WorkflowID, "/updates", runQuery(current)), updateBody("add", 1)).expect(t, http.StatusOK))
	require.Equal(t, []string{current, "4"}, []string{pinned.RunID, string(pinned.Result)})
	chained := writer().post(t, workflowPath(s.WorkflowID, "/updates?firstExecutionRunId=", s.RunID), updateBody("add", 1)).expect(t, http.StatusOK)
	require.Equal(t, "5", string(as[updated](t, chained).Result))
	writer().post(t, workflowPath(s.WorkflowID, "/updates?firstExecutionRunId=", newRunID), updateBody("add", 1)).
		problem(t, http.StatusConflict, "run-chain-mismatch")
	writer().post(t, workflowPath(s.WorkflowID, "/updates", runQuery(s.RunID)), updateBody("add", 1)).problem(t, http.StatusConflict, "workflow-completed")
	terminate(t, s.WorkflowID)
}

// newRunID is the id of a run that does not exist.
const newRunID = "0198f3c2-5f0e-7c3a-9d52-3f1f7a2b6c01"

func TestUpdateOfUnknownWorkflow(t *testing.T) {
	t.Parallel()
	id := newID(t)
	writer().update(t, id, updateBody("add", 1)).problem(t, http.StatusNotFound, "workflow-not-found")
	writer().get(t, workflowPath(id, "/updates/one")).problem(t, http.StatusNotFound, "workflow-not-found")
	reader().update(t, id, updateBody("add", 1)).problem(t, http.StatusForbidden, "operation-forbidden")
}

func TestEqualWaitsForAnUpdateShareOnePoll(t *testing.T) {
	t.Parallel()
	const callers = 40
	gateway := ownGateway(t)
	s := startLedger(t)
	a := writer().update(t, s.WorkflowID, updateBody("addLater", 5, `"waitForStage":"ACCEPTED"`)).expect(t, http.StatusAccepted)
	responses := waitTogether(t, gateway, writer(), a.header.Get("Location")+"&wait=30s", callers)
	e2etest.Eventually(t, "they share a poll", func() bool { return e2etest.Metric(t, gateway, "flowgate_wait_polls") == 1 })
	writer().post(t, workflowPath(s.WorkflowID, "/signal"), `{"signal":"go"}`).expect(t, http.StatusNoContent)
	for _, a := range responses() {
		require.Equal(t, "5", string(as[updated](t, a.expect(t, http.StatusOK)).Result))
	}
	e2etest.Eventually(t, "all waits have ended", func() bool {
		return e2etest.Metric(t, gateway, "flowgate_wait_callers")+e2etest.Metric(t, gateway, "flowgate_wait_polls") == 0
	})
	terminate(t, s.WorkflowID)
}

func TestAcceptedUpdateFailsWithWorkflow(t *testing.T) {
	t.Parallel()
	s := startLedger(t)
	a := writer().update(t, s.WorkflowID, updateBody("addLater", 5, `"waitForStage":"ACCEPTED"`)).expect(t, http.StatusAccepted)
	terminate(t, s.WorkflowID)
	u := as[updated](t, writer().get(t, a.header.Get("Location")+"&wait=10s").expect(t, http.StatusOK))
	require.Equal(t, "FAILED", u.Status)
	require.Equal(t, "AcceptedUpdateCompletedWorkflow", u.Failure.Type)
}

// withStart returns the body of an update with start of a ledger.
func withStart(id, policy, update string) string {
	return `{"start":` + ledgerStart(id, `"idConflictPolicy":`+quote(policy)) + `,"update":` + update + `}`
}

func TestUpdateWithStartStartsOrUses(t *testing.T) {
	t.Parallel()
	id := newID(t)
	first := as[updatedWithStart](t, writer().post(t, updatesWithStart, withStart(id, "USE_EXISTING", updateBody("add", 1))).expect(t, http.StatusOK))
	require.True(t, first.Start.Started)
	require.Equal(t, first.Start.RunID, first.Start.FirstExecutionRunID)
	require.Equal(t, "1", string(first.Update.Result))
	second := as[updatedWithStart](t, writer().post(t, updatesWithStart, withStart(id, "USE_EXISTING", updateBody("add", 1))).expect(t, http.StatusOK))
	require.False(t, second.Start.Started)
	require.Equal(t, []string{first.Start.RunID, first.Start.RunID}, []string{second.Start.RunID, second.Start.FirstExecutionRunID})
	require.Equal(t, "2", string(second.Update.Result))

	p := writer().post(t, updatesWithStart, withStart(id, "FAIL", updateBody("add", 1))).problem(t, http.StatusConflict, "workflow-already-started")
	require.Equal(t, []string{id, first.Start.RunID}, []string{p.WorkflowID, p.RunID})
	other := as[updatedWithStart](t, writer().post(t, updatesWithStart, withStart(id, "TERMINATE_EXISTING", updateBody("add", 9))).expect(t, http.StatusOK))
	require.NotEqual(t, first.Start.RunID, other.Start.RunID)
	require.Equal(t, "9", string(other.Update.Result))
	terminate(t, id)
}

func TestUpdateWithStartAndWait(t *testing.T) {
	t.Parallel()
	id := newID(t)
	body := withStart(id, "USE_EXISTING", updateBody("addLater", 5, `"updateId":"later"`))
	begin := time.Now()
	pending := writer().post(t, updatesWithStart+"?wait=1s", body).expect(t, http.StatusAccepted)
	require.Equal(t, "ACCEPTED", as[updatedWithStart](t, pending).Update.Stage)
	require.Less(t, time.Since(begin), 20*time.Second)
	writer().post(t, workflowPath(id, "/signal"), `{"signal":"go"}`).expect(t, http.StatusNoContent)
	done := writer().post(t, updatesWithStart+"?wait=30s", body).expect(t, http.StatusOK)
	require.Equal(t, "5", string(as[updatedWithStart](t, done).Update.Result))
	terminate(t, id)
}

func TestUpdateWithStartReturnsOutcomeOfUpdate(t *testing.T) {
	t.Parallel()
	id := newID(t)
	rejected := as[updatedWithStart](t, writer().post(t, updatesWithStart, withStart(id, "USE_EXISTING", updateBody("add", 0))).expect(t, http.StatusOK))
	require.Equal(t, "REJECTED", rejected.Update.Status)
	require.Equal(t, rejected.Start.RunID, describe(t, id).RunID, "the workflow is started anyway")
	failed := as[updatedWithStart](t, writer().post(t, updatesWithStart+"?failureStatus=422",
		withStart(id, "USE_EXISTING", updateBody("add", 101))).expect(t, http.StatusUnprocessableEntity))
	require.Equal(t, "FAILED", failed.Update.Status)
	later := updateBody("addLater", 5, `"updateId":"later"`, `"waitForStage":"ACCEPTED"`)
	a := writer().post(t, updatesWithStart, withStart(id, "USE_EXISTING", later)).expect(t, http.StatusAccepted)
	accepted := as[updatedWithStart](t, a).Update
	require.Equal(t, []string{"later", "ACCEPTED"}, []string{accepted.UpdateID, accepted.Stage})
	writer().get(t, a.header.Get("Location")).expect(t, http.StatusAccepted)
	terminate(t, id)

	unpolled := `{"start":` + startBody("Ledger", newID(t), "unpolled-"+newID(t), `"idConflictPolicy":"USE_EXISTING"`) + `,"update":` + updateBody("add", 1) + `}`
	p := writer().post(t, updatesWithStart+"?wait=2s", unpolled).problem(t, http.StatusServiceUnavailable, "update-not-admitted")
	require.NotEmpty(t, p.UpdateID)
	terminate(t, p.WorkflowID)
	cron := `{"start":` + ledgerStart(newID(t), `"idConflictPolicy":"FAIL"`, `"cronSchedule":"@daily"`) + `,"update":` + updateBody("add", 1) + `}`
	p = writer().post(t, updatesWithStart, cron).problem(t, http.StatusBadRequest, "invalid-request")
	require.Contains(t, p.Detail, "CronSchedule")
}

// A caller must opt in to updating an existing workflow.
func TestUpdateWithStartRequiresAConflictPolicy(t *testing.T) {
	t.Parallel()
	body := `{"start":` + ledgerStart(newID(t)) + `,"update":` + updateBody("add", 1) + `}`
	p := writer().post(t, updatesWithStart, body).problem(t, http.StatusBadRequest, "invalid-request")
	require.Equal(t, "/start/idConflictPolicy", p.Errors[0].Pointer)
}

func TestUpdateWithStartHasAllStartOptions(t *testing.T) {
	t.Parallel()
	id := newID(t)
	attributes, _ := attributesOfEveryType(id)
	fields := []string{
		`"idConflictPolicy":"FAIL"`, `"staticSummary":"A <ledger>"`, `"staticDetails":"of **cents**"`, `"memo":{"channel":"web"}`,
		`"priority":{"priorityKey":2,"fairnessKey":"c-1","fairnessWeight":1.5}`,
		searchAttributes(attributes, func(a attribute) string { return string(a.Value) }),
	}
	body := `{"start":` + ledgerStart(id, fields...) + `,"update":` + updateBody("add", 1) + `}`
	writer().post(t, updatesWithStart, body).expect(t, http.StatusOK)
	w := describe(t, id)
	require.Equal(t, []string{"A <ledger>", "of **cents**", `"web"`}, []string{w.StaticSummary, w.StaticDetails, string(w.Memo["channel"])})
	require.JSONEq(t, `{"priorityKey":2,"fairnessKey":"c-1","fairnessWeight":1.5}`, string(w.Priority))
	requireAttributes(t, attributes, w.SearchAttributes)
	terminate(t, id)
}

func TestRepeatedUpdateWithStartRunsOnce(t *testing.T) {
	t.Parallel()
	id := newID(t)
	once := writer().with("Idempotency-Key", "once")
	body := withStart(id, "FAIL", updateBody("add", 1))
	first := as[updatedWithStart](t, once.post(t, updatesWithStart, body).expect(t, http.StatusOK))
	for _, replica := range shared.replicas {
		require.Equal(t, first, as[updatedWithStart](t, once.onGateway(replica).post(t, updatesWithStart, body).expect(t, http.StatusOK)))
	}
	terminate(t, id)
	require.Equal(t, first, as[updatedWithStart](t, once.post(t, updatesWithStart, body).expect(t, http.StatusOK)), "after the run has closed")
	require.Equal(t, first.Start.RunID, describe(t, id).RunID)
}

// Equal concurrent calls have equal responses.
func TestConcurrentUpdatesWithStartHaveEqualResponses(t *testing.T) {
	t.Parallel()
	for range 3 {
		id := newID(t)
		all := concurrently(16, func(i int) apiResponse {
			once := writer().with("Idempotency-Key", "once").onGateway(shared.replicas[i%len(shared.replicas)])
			return once.post(t, updatesWithStart, withStart(id, "USE_EXISTING", updateBody("add", 1)))
		})
		for _, a := range all {
			require.Equal(t, string(all[0].body), string(a.body))
		}
		require.True(t, as[updatedWithStart](t, all[0].expect(t, http.StatusOK)).Start.Started)
		terminate(t, id)
	}
}

func TestDelegatedTokenPermitsItsUpdates(t *testing.T) {
	t.Parallel()
	s := startLedger(t)
	visitor := bearer(delegate(t, writer(), s.WorkflowID, `{"updates":["add"]}`))
	u := as[updated](t, visitor.update(t, s.WorkflowID, updateBody("add", 2)).expect(t, http.StatusOK))
	visitor.get(t, workflowPath(s.WorkflowID, "/updates/", u.UpdateID)).expect(t, http.StatusOK)
	require.Equal(t, "REJECTED", as[updated](t, visitor.update(t, s.WorkflowID, updateBody("add", 0)).expect(t, http.StatusOK)).Status)
	visitor.update(t, s.WorkflowID, updateBody("addLater", 2)).problem(t, http.StatusForbidden, "operation-forbidden")
	visitor.get(t, workflowPath(s.WorkflowID)).problem(t, http.StatusForbidden, "operation-forbidden")
	visitor.post(t, updatesWithStart, withStart(s.WorkflowID, "USE_EXISTING", updateBody("add", 1))).problem(t, http.StatusForbidden, "operation-forbidden")
	terminate(t, s.WorkflowID)
}

func TestSampleOrderAcceptsItems(t *testing.T) {
	t.Parallel()
	order := start(t, "Order", `"args":[{"orderId":"o-1","items":[{"sku":"pen","quantity":1,"price":300}]}]`)
	add := func(quantity, price int) updated {
		item := fmt.Sprintf(`{"update":%s,"args":[{"sku":"ink","quantity":%d,"price":%d}]}`, quote(sample.AddItemUpdate), quantity, price)
		return as[updated](t, writer().update(t, order.WorkflowID, item).expect(t, http.StatusOK))
	}
	require.JSONEq(t, `{"items":2,"total":500}`, string(add(1, 200).Result))
	require.Equal(t, "REJECTED", add(0, 200).Status)
	require.Equal(t, "FAILED", add(2, 1_000_000).Status, "the payment is over the limit of the card")
	terminate(t, order.WorkflowID)
}
