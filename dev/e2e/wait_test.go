package e2e_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/sample"
)

// requirePending requires the response to a wait that timed out: 202 with a Location at which the client can wait
// again.
func requirePending(t *testing.T, a apiResponse, s started) {
	t.Helper()
	pending := as[outcome](t, a.expect(t, http.StatusAccepted))
	require.Equal(t, []string{s.WorkflowID, s.RunID, "RUNNING"}, []string{pending.WorkflowID, pending.RunID, pending.Status})
	require.Equal(t, s.FirstExecutionRunID, pending.FirstExecutionRunID)
	require.Equal(t, "1", a.header.Get("Retry-After"))
	require.Equal(t, "no-store", a.header.Get("Cache-Control"))
	require.Equal(t, workflowPath(s.WorkflowID, "/result", runIDQuery(s.RunID)), a.header.Get("Location"))
}

func TestExpiredWaitIsPending(t *testing.T) {
	t.Parallel()
	s := start(t, "Sleep", `"args":[{"seconds":60}]`)
	var a apiResponse
	requireDuration(t, 2*time.Second, func() { a = writer().get(t, workflowPath(s.WorkflowID, "/result?wait=2s")) })
	requirePending(t, a, s)
	requireDuration(t, 2*time.Second, func() { a = writer().with("Prefer", "wait=2").get(t, workflowPath(s.WorkflowID, "/result")) })
	requirePending(t, a, s)
	requireDuration(t, 0, func() { a = writer().get(t, a.header.Get("Location")) })
	requirePending(t, a, s)
	terminate(t, s.WorkflowID)
}

func TestResponseWithoutWaitIsImmediate(t *testing.T) {
	t.Parallel()
	s := start(t, "Sleep", `"args":[{"seconds":60}]`)
	for _, query := range []string{"", "?wait=0", "?wait=0s", "?followRuns=true"} {
		requireDuration(t, 0, func() { requirePending(t, writer().get(t, workflowPath(s.WorkflowID, "/result", query)), s) })
	}
	terminate(t, s.WorkflowID)
	o := as[outcome](t, writer().get(t, workflowPath(s.WorkflowID, "/result")).expect(t, http.StatusOK))
	require.Equal(t, []string{"TERMINATED", s.RunID}, []string{o.Status, o.FirstExecutionRunID})
}

// TestOutcomeEndsTheWait measures the delay of the response from the time at which the workflow closed, because a busy
// worker may complete it late.
func TestOutcomeEndsTheWait(t *testing.T) {
	t.Parallel()
	const limit = time.Second
	s := start(t, "Sleep", `"args":[{"seconds":1}]`)
	o := awaitOutcome(t, s.WorkflowID)
	received := time.Now()
	require.Equal(t, `"slept"`, string(o.Result))
	require.WithinDuration(t, parseTime(t, describe(t, s.WorkflowID).CloseTime), received, limit)
}

func TestStartWithWaitReturnsOutcome(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(body string) apiResponse{
		"wait":   func(body string) apiResponse { return writer().post(t, workflows+"?wait=30s", body) },
		"Prefer": func(body string) apiResponse { return writer().with("Prefer", "wait=30").post(t, workflows, body) },
	} {
		a := do(startBody("Echo", newID(t), sample.TaskQueue, `"args":[`+unusualValue+`]`)).expect(t, http.StatusOK)
		o := as[outcome](t, a)
		require.Equal(t, []string{"COMPLETED", "[" + unusualValue + "]"}, []string{o.Status, string(o.Result)}, name)
		require.Equal(t, o.RunID, o.FirstExecutionRunID, name)
	}
}

func TestStartWithExpiredWaitIsPending(t *testing.T) {
	t.Parallel()
	id := newID(t)
	var a apiResponse
	requireDuration(t, time.Second, func() { a = writer().post(t, workflows+"?wait=1s", startBody("Unpolled", id, "unpolled-"+id)) })
	runID := describeOnServer(t, id, "").GetWorkflowExecutionInfo().GetExecution().GetRunId()
	requirePending(t, a, started{WorkflowID: id, RunID: runID, FirstExecutionRunID: runID})
	terminate(t, id)
}

func TestDuplicateWaitIsRejected(t *testing.T) {
	t.Parallel()
	s := startWithoutWorker(t)
	for _, a := range []apiResponse{
		writer().with("Prefer", "wait=1").get(t, workflowPath(s.WorkflowID, "/result?wait=1s")),
		writer().get(t, workflowPath(s.WorkflowID, "/result?wait=1s&wait=2s")),
		writer().get(t, workflowPath(s.WorkflowID, "/result?wait=-1s")),
		writer().get(t, workflowPath(s.WorkflowID, "/result?wait=1")),
		writer().with("Prefer", "wait=soon").get(t, workflowPath(s.WorkflowID, "/result")),
		writer().with("Request-Timeout", "1s").with("Grpc-Timeout", "1S").get(t, workflowPath(s.WorkflowID, "/result")),
	} {
		a.problem(t, http.StatusBadRequest, "invalid-request")
	}
	terminate(t, s.WorkflowID)
}

func TestWaitIsLimitedBySetting(t *testing.T) {
	t.Parallel()
	c := writer().onGateway(startGatewayForTest(t, "FLOWGATE_LIMITS_MAX_WAIT=1s"))
	s := startWithoutWorker(t)
	requireDuration(t, time.Second, func() { requirePending(t, c.get(t, workflowPath(s.WorkflowID, "/result?wait=40s")), s) })
	terminate(t, s.WorkflowID)
}

// TestShortTimeoutsCauseNoHotLoop counts the polls of the server, which returns an empty response immediately if the
// deadline of a poll is one second or less.
func TestShortTimeoutsCauseNoHotLoop(t *testing.T) {
	t.Parallel()
	gateway := startGatewayForTest(t)
	s := startWithoutWorker(t)
	for name, c := range map[string]caller{
		"Request-Timeout: 1s":    writer().with("Request-Timeout", "1s"),
		"Request-Timeout: 100ms": writer().with("Request-Timeout", "100ms"),
		"none":                   writer(),
	} {
		before := historyCalls(t, gateway)
		requireDuration(t, 4*time.Second, func() {
			requirePending(t, c.onGateway(gateway).get(t, workflowPath(s.WorkflowID, "/result?wait=4s")), s)
		})
		require.LessOrEqual(t, historyCalls(t, gateway)-before, 3, name)
	}
	terminate(t, s.WorkflowID)
}

// TestLongWaitPollsInSlices waits for longer than 20 s, after which the server ends each poll.
func TestLongWaitPollsInSlices(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it takes 24 s")
	}
	gateway := startGatewayForTest(t)
	s := start(t, "Sleep", `"args":[{"seconds":24}]`)
	a := writer().onGateway(gateway).get(t, workflowPath(s.WorkflowID, "/result?wait=50s")).expect(t, http.StatusOK)
	require.Equal(t, "COMPLETED", as[outcome](t, a).Status)
	require.LessOrEqual(t, historyCalls(t, gateway), 3)
}
