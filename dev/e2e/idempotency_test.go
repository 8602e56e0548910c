package e2e_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"github.com/flowgate/flowgate/dev/sample"
)

func TestRepeatedStartCreatesOneRun(t *testing.T) {
	t.Parallel()
	body := startBody("Wait", newID(t), sample.TaskQueue)
	withKey := writer().with("Idempotency-Key", "key-1")
	s := as[started](t, withKey.post(t, workflows, body).expect(t, http.StatusCreated))

	replay := withKey.post(t, workflows, body).expect(t, http.StatusCreated)
	require.Equal(t, s, as[started](t, replay))
	require.Equal(t, "true", replay.header.Get("Idempotent-Replayed"))
	otherReplica := as[started](t, withKey.onGateway(shared.replicas[1]).post(t, workflows, body).expect(t, http.StatusCreated))
	require.Equal(t, s, otherReplica, "on the other replica")

	p := writer().with("Idempotency-Key", "key-2").post(t, workflows, body).problem(t, http.StatusConflict, "workflow-already-started")
	require.Equal(t, s.RunID, p.RunID, "a start with another key is not a repetition")

	signalFinish(t, s.WorkflowID, "1")
	require.Equal(t, "COMPLETED", awaitOutcome(t, s.WorkflowID).Status)
	closed := as[started](t, withKey.onGateway(shared.replicas[1]).post(t, workflows, body).expect(t, http.StatusCreated))
	require.Equal(t, s.RunID, closed.RunID, "after the run has closed")
	require.Equal(t, s.RunID, describe(t, s.WorkflowID).RunID, "the repeated start created no run")

	other := writer().with("Idempotency-Key", "key-2").post(t, workflows, body).expect(t, http.StatusCreated)
	require.NotEqual(t, s.RunID, as[started](t, other).RunID)
	require.NotContains(t, other.header, "Idempotent-Replayed")
	terminate(t, s.WorkflowID)
}

func TestIdempotencyKeyWithAnotherBodyIsRejected(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]string{"start": "", "start with a signal": `,"startSignal":"go"`} {
		id := newID(t)
		withKey := writer().with("Idempotency-Key", "key-1")
		s := as[started](t, withKey.post(t, workflows, startBody("Wait", id, sample.TaskQueue, `"args":[1]`+signal)).expect(t, http.StatusCreated))
		requireRejected := func() {
			for _, other := range []string{`"args":[2]`, `"args":[1],"idConflictPolicy":"TERMINATE_EXISTING"`, `"args":[2],"startSignal":"go"`} {
				p := withKey.onGateway(shared.replicas[1]).post(t, workflows, startBody("Wait", id, sample.TaskQueue, other)).
					problem(t, http.StatusUnprocessableEntity, "idempotency-key-reused")
				require.Equal(t, s.RunID, p.RunID, name)
			}
			require.Equal(t, s.RunID, describe(t, id).RunID, name)
		}
		requireRejected()
		again := withKey.post(t, workflows, " "+startBody("Wait", id, sample.TaskQueue, `"args":[ 1 ]`+signal)).expect(t, http.StatusCreated)
		require.Equal(t, s.RunID, as[started](t, again).RunID, "%s: the body is equal except for white space", name)
		terminate(t, id)
		requireRejected()
	}
}

func TestRepeatedSignalWithStartCreatesOneRun(t *testing.T) {
	t.Parallel()
	body := startBody("Echo", newID(t), sample.TaskQueue, `"args":[1],"startSignal":"go"`)
	withKey := writer().with("Idempotency-Key", "key-1")
	first := as[outcome](t, withKey.post(t, workflows+"?wait=30s", body).expect(t, http.StatusOK))
	again := as[outcome](t, withKey.onGateway(shared.replicas[1]).post(t, workflows+"?wait=30s", body).expect(t, http.StatusOK))
	require.Equal(t, first.RunID, again.RunID, "after the run has closed")

	body = startBody("Wait", newID(t), sample.TaskQueue, `"startSignal":"go"`)
	open := as[started](t, withKey.post(t, workflows, body).expect(t, http.StatusCreated))
	require.Equal(t, open.RunID, as[started](t, withKey.post(t, workflows, body).expect(t, http.StatusCreated)).RunID, "while it runs")
	terminate(t, open.WorkflowID)
}

func TestEmptyIdempotencyKeyIsRejected(t *testing.T) {
	t.Parallel()
	body := startBody("Echo", newID(t), sample.TaskQueue)
	writer().with("Idempotency-Key", "").post(t, workflows, body).problem(t, http.StatusBadRequest, "invalid-request")
}

func TestRepeatedStartWithWaitReturnsSameOutcome(t *testing.T) {
	t.Parallel()
	body := startBody("Echo", newID(t), sample.TaskQueue, `"args":[1]`)
	withKey := writer().with("Idempotency-Key", "key-1")
	first := as[outcome](t, withKey.post(t, workflows+"?wait=30s", body).expect(t, http.StatusOK))
	again := withKey.onGateway(shared.replicas[1]).post(t, workflows+"?wait=30s", body).expect(t, http.StatusOK)
	require.Equal(t, first, as[outcome](t, again))
	require.Equal(t, "true", again.header.Get("Idempotent-Replayed"))
}

func TestRepeatedStartCreatesOneRunChain(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"continued": startBody("Chain", newID(t), sample.TaskQueue, `"args":[{"times":2}]`),
		"retried":   startBody("Fail", newID(t), sample.TaskQueue, `"retryPolicy":{"maximumAttempts":2,"initialInterval":"0.1s"}`),
	} {
		withKey := writer().with("Idempotency-Key", "key-1")
		first := as[outcome](t, withKey.post(t, workflows+"?wait=30s", body).expect(t, http.StatusOK))
		require.NotEqual(t, first.FirstExecutionRunID, first.RunID, "%s: the chain has more than one run", name)
		again := as[outcome](t, withKey.onGateway(shared.replicas[1]).post(t, workflows+"?wait=30s", body).expect(t, http.StatusOK))
		require.Equal(t, first, again, name)
		started := as[started](t, withKey.post(t, workflows, body).expect(t, http.StatusCreated))
		require.Equal(t, first.FirstExecutionRunID, started.RunID, name)
		other := as[outcome](t, writer().with("Idempotency-Key", "key-2").post(t, workflows+"?wait=30s", body).expect(t, http.StatusOK))
		require.NotEqual(t, first.FirstExecutionRunID, other.FirstExecutionRunID, "%s: another key starts another chain", name)
	}
}

func TestRepeatedSignalCountsOnce(t *testing.T) {
	t.Parallel()
	s := start(t, "Wait")
	signal := func(c caller, key string) {
		c.with("Idempotency-Key", key).post(t, workflowPath(s.WorkflowID, "/signal"), `{"signal":"poke"}`).expect(t, http.StatusNoContent)
	}
	signal(writer(), "key-1")
	signal(writer(), "key-1")
	signal(writer().onGateway(shared.replicas[1]), "key-1")
	require.Equal(t, 1, signalCount(t, s.WorkflowID))
	signal(writer(), "key-2")
	require.Equal(t, 2, signalCount(t, s.WorkflowID), "a signal with another key is a new signal")
	signal(bearer(threeNamespacesKey), "key-1")
	require.Equal(t, 3, signalCount(t, s.WorkflowID), "idempotency keys of different callers are independent")
	for range 2 {
		writer().with("Idempotency-Key", "key-1").post(t, workflowPath(s.WorkflowID, "/signal"), `{"signal":"poke","args":[1]}`).expect(t, http.StatusNoContent)
	}
	require.Equal(t, 4, signalCount(t, s.WorkflowID), "the same key with another body is a new signal")
	for range 2 {
		writer().post(t, workflowPath(s.WorkflowID, "/signal"), `{"signal":"poke"}`).expect(t, http.StatusNoContent)
	}
	require.Equal(t, 6, signalCount(t, s.WorkflowID), "signals without an idempotency key are not deduplicated")
	terminate(t, s.WorkflowID)
}

func TestRepeatedSignalWithStartCountsOnce(t *testing.T) {
	t.Parallel()
	body := startBody("Wait", newID(t), sample.TaskQueue, `"startSignal":"poke"`)
	withKey := writer().with("Idempotency-Key", "key-1")
	s := as[started](t, withKey.post(t, workflows, body).expect(t, http.StatusCreated))
	again := withKey.onGateway(shared.replicas[1]).post(t, workflows, body)
	require.Less(t, again.status, http.StatusMultipleChoices, "%s", again.body)
	require.Equal(t, s.RunID, as[started](t, again).RunID)
	require.Equal(t, 1, signalCount(t, s.WorkflowID))
	terminate(t, s.WorkflowID)
}

func TestOneIdempotencyKeyForManyWorkflows(t *testing.T) {
	t.Parallel()
	one, two := start(t, "Wait"), start(t, "Wait")
	for _, s := range []started{one, two} {
		writer().with("Idempotency-Key", "shared").post(t, workflowPath(s.WorkflowID, "/signal"), `{"signal":"poke"}`).
			expect(t, http.StatusNoContent)
	}
	require.Equal(t, []int{1, 1}, []int{signalCount(t, one.WorkflowID), signalCount(t, two.WorkflowID)})
	terminate(t, one.WorkflowID)
	terminate(t, two.WorkflowID)
}

func TestRepeatedCancelIsRecordedOnce(t *testing.T) {
	t.Parallel()
	s := startWithoutWorker(t)
	for _, replica := range shared.replicas {
		writer().onGateway(replica).with("Idempotency-Key", "key-1").post(t, workflowPath(s.WorkflowID, "/cancel"), "").
			expect(t, http.StatusNoContent)
	}
	require.Len(t, serverEvents(t, s.WorkflowID, s.RunID, enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED), 1)
	terminate(t, s.WorkflowID)
}
