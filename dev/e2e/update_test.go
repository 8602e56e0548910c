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

// startLedger starts a Ledger workflow, which keeps a sum and has the update handlers "add" and "addLater".
func startLedger(t *testing.T) started {
	t.Helper()
	return as[started](t, writer().post(t, workflows, ledgerStartBody(newID(t))).expect(t, http.StatusCreated))
}

// ledgerStartBody returns the request body that starts a Ledger workflow with the sum 0. fields are additional JSON
// members.
func ledgerStartBody(id string, fields ...string) string {
	return startBody("Ledger", id, testQueue, append(fields, `"args":[0]`)...)
}

// updateBody returns the request body of an update with the argument n. fields are additional JSON members.
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
	again = reader().get(t, workflowPath(s.WorkflowID, "/updates/", u.UpdateID, runIDQuery(u.RunID), "&wait=5s")).expect(t, http.StatusOK)
	require.Equal(t, u, as[updated](t, again), "after the workflow has closed")
	writer().update(t, s.WorkflowID, updateBody("add", 1)).problem(t, http.StatusConflict, "workflow-completed")
}

// A rejection by the validator, a failure of the handler and a missing worker lead to different responses.
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

	withoutWorker := startWithoutWorker(t)
	begin := time.Now()
	p = writer().post(t, workflowPath(withoutWorker.WorkflowID, "/updates?wait=2s"), updateBody("add", 1, `"updateId":"one"`)).
		problem(t, http.StatusServiceUnavailable, "update-not-admitted")
	require.Less(t, time.Since(begin), 10*time.Second)
	require.Equal(t, []string{withoutWorker.WorkflowID, "one"}, []string{p.WorkflowID, p.UpdateID})
	require.True(t, p.Retryable)
	terminate(t, s.WorkflowID)
	terminate(t, withoutWorker.WorkflowID)
}

// The server keeps no record of a rejected update, so each of several concurrent updates with one id must be rejected.
func TestConcurrentRejectedUpdatesAreAllRejected(t *testing.T) {
	t.Parallel()
	s := startLedger(t)
	for range 5 {
		all := concurrently(20, func(i int) apiResponse {
			c := writer().onGateway(shared.replicas[i%len(shared.replicas)])
			if i%4 == 3 {
				return c.post(t, updatesWithStart, updateWithStartBody(s.WorkflowID, "USE_EXISTING", updateBody("add", 0, `"updateId":"zero"`)))
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

// concurrently runs n calls of do at the same time and returns their responses.
func concurrently(n int, do func(i int) apiResponse) []apiResponse {
	responses := make([]apiResponse, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { responses[i] = do(i) })
	}
	wg.Wait()
	return responses
}

// A workflow is reset while two updates wait for a worker. The update that names the run fails, because the reset
// closes that run. The new run accepts the other update.
func TestUpdateSurvivesReset(t *testing.T) {
	t.Parallel()
	queue := "late-" + newID(t)
	firstWorker := newWorkerOn(shared.stack.Client(), queue)
	require.NoError(t, firstWorker.Start())
	s := as[started](t, writer().post(t, workflows, startBody("Ledger", newID(t), queue, `"args":[0]`)).expect(t, http.StatusCreated))
	writer().update(t, s.WorkflowID, updateBody("add", 1)).expect(t, http.StatusOK)
	firstWorker.Stop()

	sent := make(chan apiResponse, 2)
	for id, query := range map[string]string{"any-run": "", "first-run": runIDQuery(s.RunID)} {
		go func() {
			body := updateBody("add", 7, `"updateId":`+quote(id))
			a, err := writer().send(t.Context(), http.MethodPost, workflowPath(s.WorkflowID, "/updates", query), body)
			assert.NoError(t, err)
			sent <- a
		}()
	}
	for _, id := range []string{"any-run", "first-run"} {
		e2etest.Eventually(t, "the server has the update", func() bool {
			return writer().get(t, workflowPath(s.WorkflowID, "/updates/", id)).status == http.StatusAccepted
		})
	}
	r := resetWorkflow(t, s, `{"resetType":"LAST_WORKFLOW_TASK"}`)
	(<-sent).problem(t, http.StatusConflict, "workflow-completed") // the update that names the run
	lateWorker := newWorkerOn(shared.stack.Client(), queue)
	require.NoError(t, lateWorker.Start())
	defer lateWorker.Stop()
	u := as[updated](t, (<-sent).expect(t, http.StatusOK))
	require.Equal(t, []string{r.RunID, "any-run", "8"}, []string{u.RunID, u.UpdateID, string(u.Result)})
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
	require.Equal(t, u, as[updated](t, pending), "the update id is the same, so no second update starts")

	writer().post(t, workflowPath(s.WorkflowID, "/signal"), `{"signal":"go"}`).expect(t, http.StatusNoContent)
	done := as[updated](t, writer().get(t, location+"&wait=30s").expect(t, http.StatusOK))
	require.Equal(t, "5", string(done.Result))
	terminate(t, s.WorkflowID)
}

// Temporal permits 10 updates in flight for one workflow. A further update is rejected and does not affect them.
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
	oneMore := updateBody("add", 1, `"updateId":"one-more"`)
	for path, body := range map[string]string{
		workflowPath(s.WorkflowID, "/updates?wait=20s"): oneMore,
		updatesWithStart + "?wait=20s":                  updateWithStartBody(s.WorkflowID, "USE_EXISTING", oneMore),
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
	last := writer().update(t, s.WorkflowID, oneMore).expect(t, http.StatusOK)
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
	withKey := writer().with("Idempotency-Key", "key-1")
	require.Equal(t, "1", sum(withKey, updateBody("add", 1)))
	require.Equal(t, "1", sum(withKey, updateBody("add", 1)))
	require.Equal(t, "1", sum(withKey.onGateway(shared.replicas[1]), updateBody("add", 1)))
	require.Equal(t, "2", sum(writer().with("Idempotency-Key", "key-2"), updateBody("add", 1)))
	require.Equal(t, "3", sum(bearer(threeNamespacesKey).with("Idempotency-Key", "key-1"), updateBody("add", 1)), "idempotency keys of different callers are independent")
	require.Equal(t, "4", sum(withKey, updateBody("add", 1, `"updateId":"mine"`)), "an explicit update id takes precedence over the idempotency key")
	require.Equal(t, "4", sum(bearer(threeNamespacesKey), updateBody("add", 1, `"updateId":"mine"`)))
	require.Equal(t, "5", sum(writer(), updateBody("add", 1)), "updates without an idempotency key are not deduplicated")
	require.Equal(t, "7", sum(withKey, updateBody("add", 2)), "the same key with another body is a new update")
	require.Equal(t, "7", sum(withKey, updateBody("add", 2)))
	unknown := as[updated](t, withKey.update(t, s.WorkflowID, updateBody("noSuchUpdate", 1)).expect(t, http.StatusOK))
	require.Equal(t, "REJECTED", unknown.Status, "the same key with another update name is a new update")
	terminate(t, s.WorkflowID)
}

// An update that is sent repeatedly while there is no worker runs once after a worker starts.
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
	require.Equal(t, u, as[updated](t, writer().get(t, workflowPath(s.WorkflowID, "/updates/", u.UpdateID, runIDQuery(s.RunID))).expect(t, http.StatusOK)))
	current := describe(t, s.WorkflowID).RunID
	pinned := as[updated](t, writer().post(t, workflowPath(s.WorkflowID, "/updates", runIDQuery(current)), updateBody("add", 1)).expect(t, http.StatusOK))
	require.Equal(t, []string{current, "4"}, []string{pinned.RunID, string(pinned.Result)})
	chained := writer().post(t, workflowPath(s.WorkflowID, "/updates?firstExecutionRunId=", s.RunID), updateBody("add", 1)).expect(t, http.StatusOK)
	require.Equal(t, "5", string(as[updated](t, chained).Result))
	writer().post(t, workflowPath(s.WorkflowID, "/updates?firstExecutionRunId=", absentRunID), updateBody("add", 1)).
		problem(t, http.StatusConflict, "run-chain-mismatch")
	writer().post(t, workflowPath(s.WorkflowID, "/updates", runIDQuery(s.RunID)), updateBody("add", 1)).problem(t, http.StatusConflict, "workflow-completed")
	terminate(t, s.WorkflowID)
}

// absentRunID is a well-formed run id that no run has.
const absentRunID = "0198f3c2-5f0e-7c3a-9d52-3f1f7a2b6c01"

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
	gateway := startGatewayForTest(t)
	s := startLedger(t)
	a := writer().update(t, s.WorkflowID, updateBody("addLater", 5, `"waitForStage":"ACCEPTED"`)).expect(t, http.StatusAccepted)
	responses := startConcurrentWaits(t, gateway, writer(), a.header.Get("Location")+"&wait=30s", callers)
	e2etest.Eventually(t, "the waits share one poll", func() bool { return e2etest.Metric(t, gateway, "flowgate_wait_polls") == 1 })
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

// updateWithStartBody returns the request body of an update-with-start of a Ledger workflow. policy is its
// idConflictPolicy, and update is the body of the update.
func updateWithStartBody(id, policy, update string) string {
	return `{"start":` + ledgerStartBody(id, `"idConflictPolicy":`+quote(policy)) + `,"update":` + update + `}`
}

func TestUpdateWithStartStartsOrUsesExistingWorkflow(t *testing.T) {
	t.Parallel()
	id := newID(t)
	first := as[updatedWithStart](t, writer().post(t, updatesWithStart, updateWithStartBody(id, "USE_EXISTING", updateBody("add", 1))).expect(t, http.StatusOK))
	require.True(t, first.Start.Started)
	require.Equal(t, first.Start.RunID, first.Start.FirstExecutionRunID)
	require.Equal(t, "1", string(first.Update.Result))
	second := as[updatedWithStart](t, writer().post(t, updatesWithStart, updateWithStartBody(id, "USE_EXISTING", updateBody("add", 1))).expect(t, http.StatusOK))
	require.False(t, second.Start.Started)
	require.Equal(t, []string{first.Start.RunID, first.Start.RunID}, []string{second.Start.RunID, second.Start.FirstExecutionRunID})
	require.Equal(t, "2", string(second.Update.Result))

	p := writer().post(t, updatesWithStart, updateWithStartBody(id, "FAIL", updateBody("add", 1))).problem(t, http.StatusConflict, "workflow-already-started")
	require.Equal(t, []string{id, first.Start.RunID}, []string{p.WorkflowID, p.RunID})
	other := as[updatedWithStart](t, writer().post(t, updatesWithStart, updateWithStartBody(id, "TERMINATE_EXISTING", updateBody("add", 9))).expect(t, http.StatusOK))
	require.NotEqual(t, first.Start.RunID, other.Start.RunID)
	require.Equal(t, "9", string(other.Update.Result))
	terminate(t, id)
}

func TestUpdateWithStartAndWait(t *testing.T) {
	t.Parallel()
	id := newID(t)
	body := updateWithStartBody(id, "USE_EXISTING", updateBody("addLater", 5, `"updateId":"later"`))
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
	rejected := as[updatedWithStart](t, writer().post(t, updatesWithStart, updateWithStartBody(id, "USE_EXISTING", updateBody("add", 0))).expect(t, http.StatusOK))
	require.Equal(t, "REJECTED", rejected.Update.Status)
	require.Equal(t, rejected.Start.RunID, describe(t, id).RunID, "the workflow starts although its update is rejected")
	failed := as[updatedWithStart](t, writer().post(t, updatesWithStart+"?failureStatus=422",
		updateWithStartBody(id, "USE_EXISTING", updateBody("add", 101))).expect(t, http.StatusUnprocessableEntity))
	require.Equal(t, "FAILED", failed.Update.Status)
	later := updateBody("addLater", 5, `"updateId":"later"`, `"waitForStage":"ACCEPTED"`)
	a := writer().post(t, updatesWithStart, updateWithStartBody(id, "USE_EXISTING", later)).expect(t, http.StatusAccepted)
	accepted := as[updatedWithStart](t, a).Update
	require.Equal(t, []string{"later", "ACCEPTED"}, []string{accepted.UpdateID, accepted.Stage})
	writer().get(t, a.header.Get("Location")).expect(t, http.StatusAccepted)
	terminate(t, id)

	withoutWorker := `{"start":` + startBody("Ledger", newID(t), "unpolled-"+newID(t), `"idConflictPolicy":"USE_EXISTING"`) + `,"update":` + updateBody("add", 1) + `}`
	p := writer().post(t, updatesWithStart+"?wait=2s", withoutWorker).problem(t, http.StatusServiceUnavailable, "update-not-admitted")
	require.NotEmpty(t, p.UpdateID)
	terminate(t, p.WorkflowID)
	cron := `{"start":` + ledgerStartBody(newID(t), `"idConflictPolicy":"FAIL"`, `"cronSchedule":"@daily"`) + `,"update":` + updateBody("add", 1) + `}`
	p = writer().post(t, updatesWithStart, cron).problem(t, http.StatusBadRequest, "invalid-request")
	require.Contains(t, p.Detail, "CronSchedule")
}

// A caller must opt in to updating an existing workflow.
func TestUpdateWithStartRequiresAConflictPolicy(t *testing.T) {
	t.Parallel()
	body := `{"start":` + ledgerStartBody(newID(t)) + `,"update":` + updateBody("add", 1) + `}`
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
	body := `{"start":` + ledgerStartBody(id, fields...) + `,"update":` + updateBody("add", 1) + `}`
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
	withKey := writer().with("Idempotency-Key", "key-1")
	body := updateWithStartBody(id, "FAIL", updateBody("add", 1))
	first := as[updatedWithStart](t, withKey.post(t, updatesWithStart, body).expect(t, http.StatusOK))
	for _, replica := range shared.replicas {
		require.Equal(t, first, as[updatedWithStart](t, withKey.onGateway(replica).post(t, updatesWithStart, body).expect(t, http.StatusOK)))
	}
	terminate(t, id)
	require.Equal(t, first, as[updatedWithStart](t, withKey.post(t, updatesWithStart, body).expect(t, http.StatusOK)), "after the run has closed")
	require.Equal(t, first.Start.RunID, describe(t, id).RunID)
}

func TestConcurrentUpdatesWithStartHaveEqualResponses(t *testing.T) {
	t.Parallel()
	for range 3 {
		id := newID(t)
		all := concurrently(16, func(i int) apiResponse {
			withKey := writer().with("Idempotency-Key", "key-1").onGateway(shared.replicas[i%len(shared.replicas)])
			return withKey.post(t, updatesWithStart, updateWithStartBody(id, "USE_EXISTING", updateBody("add", 1)))
		})
		for _, a := range all {
			require.Equal(t, string(all[0].body), string(a.body))
		}
		require.True(t, as[updatedWithStart](t, all[0].expect(t, http.StatusOK)).Start.Started)
		terminate(t, id)
	}
}

func TestDelegatedTokenPermitsOnlyListedUpdates(t *testing.T) {
	t.Parallel()
	s := startLedger(t)
	tokenHolder := bearer(issueDelegatedToken(t, writer(), s.WorkflowID, `{"updates":["add"]}`))
	u := as[updated](t, tokenHolder.update(t, s.WorkflowID, updateBody("add", 2)).expect(t, http.StatusOK))
	tokenHolder.get(t, workflowPath(s.WorkflowID, "/updates/", u.UpdateID)).expect(t, http.StatusOK)
	require.Equal(t, "REJECTED", as[updated](t, tokenHolder.update(t, s.WorkflowID, updateBody("add", 0)).expect(t, http.StatusOK)).Status)
	tokenHolder.update(t, s.WorkflowID, updateBody("addLater", 2)).problem(t, http.StatusForbidden, "operation-forbidden")
	tokenHolder.get(t, workflowPath(s.WorkflowID)).problem(t, http.StatusForbidden, "operation-forbidden")
	tokenHolder.post(t, updatesWithStart, updateWithStartBody(s.WorkflowID, "USE_EXISTING", updateBody("add", 1))).problem(t, http.StatusForbidden, "operation-forbidden")
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
	require.Equal(t, "FAILED", add(2, 1_000_000).Status, "the total exceeds the limit of the card")
	terminate(t, order.WorkflowID)
}
