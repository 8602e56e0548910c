package e2e_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/sample"
)

// startAgain starts a Wait workflow with an id that another run has or had.
func startAgain(t *testing.T, id string, fields ...string) apiResponse {
	t.Helper()
	return writer().post(t, workflows, startBody("Wait", id, sample.TaskQueue, fields...))
}

func TestStartOfRunningIDConflicts(t *testing.T) {
	t.Parallel()
	s := start(t, "Wait")
	require.True(t, s.Started)
	require.Equal(t, s.RunID, s.FirstExecutionRunID)
	for _, fields := range [][]string{nil, {`"idConflictPolicy":"FAIL"`}, {`"idConflictPolicy":"UNSPECIFIED"`}} {
		p := startAgain(t, s.WorkflowID, fields...).problem(t, http.StatusConflict, "workflow-already-started")
		require.Equal(t, s.WorkflowID, p.WorkflowID)
		require.Equal(t, s.RunID, p.RunID)
		require.Equal(t, "ALREADY_EXISTS", p.GRPCCode)
		require.NotEmpty(t, p.GRPCStatus, "a client can reconstruct the gRPC status and its details")
		require.False(t, p.Retryable)
	}
	terminate(t, s.WorkflowID)
}

func TestUseExistingReturnsRunningWorkflow(t *testing.T) {
	t.Parallel()
	s := start(t, "Wait")
	a := startAgain(t, s.WorkflowID, `"idConflictPolicy":"USE_EXISTING"`).expect(t, http.StatusOK)
	again := as[started](t, a)
	require.False(t, again.Started)
	require.Equal(t, s.RunID, again.RunID)
	w := as[workflow](t, writer().get(t, a.header.Get("Location")).expect(t, http.StatusOK))
	require.Equal(t, s.RunID, w.RunID)
	terminate(t, s.WorkflowID)
}

func TestTerminateExistingReplacesRunningWorkflow(t *testing.T) {
	t.Parallel()
	for name, field := range map[string]string{
		"conflict policy": `"idConflictPolicy":"TERMINATE_EXISTING"`,
		"reuse policy":    `"idReusePolicy":"TERMINATE_IF_RUNNING"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, "Wait")
			again := as[started](t, startAgain(t, s.WorkflowID, field).expect(t, http.StatusCreated))
			require.True(t, again.Started)
			require.NotEqual(t, s.RunID, again.RunID)
			o := as[outcome](t, writer().get(t, workflowPath(s.WorkflowID, "/result", runIDQuery(s.RunID))).expect(t, http.StatusOK))
			require.Equal(t, "TERMINATED", o.Status)
			require.Equal(t, "RUNNING", describe(t, s.WorkflowID).Status)
			terminate(t, s.WorkflowID)
		})
	}
}

func TestReusePolicyAppliesToClosedWorkflows(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		policy            string // JSON member of the start
		completed, failed int    // status of the response after a run that has completed or failed
	}{
		"absent":               {"", http.StatusCreated, http.StatusCreated},
		"allow duplicate":      {`"idReusePolicy":"ALLOW_DUPLICATE"`, http.StatusCreated, http.StatusCreated},
		"only after a failure": {`"idReusePolicy":"ALLOW_DUPLICATE_FAILED_ONLY"`, http.StatusConflict, http.StatusCreated},
		"reject duplicate":     {`"idReusePolicy":"REJECT_DUPLICATE"`, http.StatusConflict, http.StatusConflict},
		"use existing":         {`"idConflictPolicy":"USE_EXISTING"`, http.StatusCreated, http.StatusCreated},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var fields []string
			if test.policy != "" {
				fields = []string{test.policy}
			}
			for workflowType, want := range map[string]int{"EchoPayload": test.completed, "Fail": test.failed} {
				s := start(t, workflowType, `"args":[{}]`)
				awaitOutcome(t, s.WorkflowID)
				a := startAgain(t, s.WorkflowID, fields...).expect(t, want)
				if want == http.StatusConflict {
					require.Equal(t, s.RunID, a.problem(t, want, "workflow-already-started").RunID)
					continue
				}
				require.NotEqual(t, s.RunID, as[started](t, a).RunID)
				terminate(t, s.WorkflowID)
			}
		})
	}
}

func TestSignalWithStartStartsOrSignals(t *testing.T) {
	t.Parallel()
	id := newID(t)
	body := startBody("Wait", id, sample.TaskQueue, `"startSignal":"poke","startSignalArgs":[`+unusualValue+`]`)
	a := writer().post(t, workflows, body).expect(t, http.StatusCreated)
	first := as[started](t, a)
	require.True(t, first.Started)
	require.Equal(t, id, as[workflow](t, writer().get(t, a.header.Get("Location")).expect(t, http.StatusOK)).WorkflowID)

	second := as[started](t, writer().post(t, workflows, body).expect(t, http.StatusOK))
	require.False(t, second.Started)
	require.Equal(t, first.RunID, second.RunID)
	require.Equal(t, 2, signalCount(t, id))

	bytesBody := startBody("Wait", id, sample.TaskQueue, `"startSignal":"finish","startSignalArgPayloads":[`+
		`{"metadata":{"encoding":"`+binaryPlainBase64+`"},"data":"`+binaryDataBase64+`"}]`)
	o := as[outcome](t, writer().post(t, workflows+"?wait=30s", bytesBody).expect(t, http.StatusOK))
	require.Equal(t, "COMPLETED", o.Status)
	require.Equal(t, []byte(binaryData), o.ResultPayload.Data)
}

// signalCount returns the number of signals that a Wait workflow has received, from its query "signals".
func signalCount(t *testing.T, workflowID string) int {
	t.Helper()
	a := writer().get(t, workflowPath(workflowID, "/query?query=signals")).expect(t, http.StatusOK)
	return as[struct{ Result int }](t, a).Result
}

func TestRequestsHavePrincipalAsIdentity(t *testing.T) {
	t.Parallel()
	s := startWithoutWorker(t)
	require.Equal(t, writerKeyID, serverStartedEvent(t, s).GetIdentity())
	terminate(t, s.WorkflowID)
	events := serverHistory(t, s.WorkflowID, s.RunID)
	require.Equal(t, writerKeyID, events[len(events)-1].GetWorkflowExecutionTerminatedEventAttributes().GetIdentity())
}

func TestEagerStartIsAcceptedAndNotForwarded(t *testing.T) {
	t.Parallel()
	s := start(t, "EchoPayload", `"requestEagerStart":true`)
	require.False(t, serverStartedEvent(t, s).GetEagerExecutionAccepted())
	require.Equal(t, "COMPLETED", awaitOutcome(t, s.WorkflowID).Status)
}
