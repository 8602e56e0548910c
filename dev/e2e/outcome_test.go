package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/sample"
)

func TestActivityFailureHasAllCauses(t *testing.T) {
	t.Parallel()
	s := start(t, "Order", `"args":[{"orderId":"o-1","items":[{"sku":"book","quantity":2,"price":1250}],"card":"declined"}]`)
	o := awaitOutcome(t, s.WorkflowID)
	require.Equal(t, []string{"FAILED", s.RunID}, []string{o.Status, o.RunID})
	require.Nil(t, o.Result)
	f := o.Failure
	require.Equal(t, []string{"activity", "charge", "NON_RETRYABLE_FAILURE"}, []string{f.Kind, f.ActivityType, f.RetryState})
	require.NotEmpty(t, f.ActivityID)
	require.NotEmpty(t, f.Identity)
	require.Equal(t, "activity error", f.Message)
	cause := f.Cause
	require.Equal(t, []string{"application", "PaymentDeclined", "payment declined: the bank declined the card"},
		[]string{cause.Kind, cause.Type, cause.Message})
	require.True(t, cause.NonRetryable)
	require.Len(t, cause.Details, 1)
	require.JSONEq(t, `{"orderId":"o-1","amount":2500,"reason":"the bank declined the card"}`, string(cause.Details[0]))
	require.Nil(t, cause.Cause)
}

// requireSampleFailure requires the failure that the sample workflow Fail returns at the given attempt.
func requireSampleFailure(t *testing.T, f *failure, attempt int) {
	t.Helper()
	details := fmt.Sprintf(`{"attempt":%d}`, attempt)
	require.NotNil(t, f)
	require.Equal(t, []string{"application", "SampleFailure"}, []string{f.Kind, f.Type})
	require.Equal(t, []json.RawMessage{json.RawMessage(details), json.RawMessage(`"a second detail"`)}, f.Details)
	middle := f.Cause
	require.Equal(t, []string{"application", "Middle", "something in the middle"}, []string{middle.Kind, middle.Type, middle.Message})
	require.Empty(t, middle.Details)
	root := middle.Cause
	require.Equal(t, []string{"application", "Root", "the root of the matter"}, []string{root.Kind, root.Type, root.Message})
	require.Equal(t, []json.RawMessage{json.RawMessage(details)}, root.Details)
	require.Nil(t, root.Cause)
}

func TestWorkflowFailureHasAllCauses(t *testing.T) {
	t.Parallel()
	s := start(t, "Fail", `"args":[{"message":"<&> it broke","nonRetryable":true}]`)
	o := awaitOutcome(t, s.WorkflowID)
	require.Equal(t, "FAILED", o.Status)
	require.Equal(t, "<&> it broke", o.Failure.Message)
	require.True(t, o.Failure.NonRetryable)
	requireSampleFailure(t, o.Failure, 1)
}

func TestFailureStatusChangesTheStatusAndNotTheBody(t *testing.T) {
	t.Parallel()
	s := start(t, "Fail", `"args":[{}]`)
	plain := writer().get(t, workflowPath(s.WorkflowID, "/result?wait=30s")).expect(t, http.StatusOK)
	failed := writer().get(t, workflowPath(s.WorkflowID, "/result?wait=30s&failureStatus=422")).expect(t, http.StatusUnprocessableEntity)
	require.JSONEq(t, string(plain.body), string(failed.body))
	require.Contains(t, failed.header["Content-Type"], typeJSON)

	body := startBody("Fail", newID(t), sample.TaskQueue, `"args":[{}]`)
	writer().post(t, workflows+"?wait=30s&failureStatus=422", body).expect(t, http.StatusUnprocessableEntity)

	succeeding := startBody("Echo", newID(t), sample.TaskQueue)
	writer().post(t, workflows+"?wait=30s&failureStatus=422", succeeding).expect(t, http.StatusOK)
	// 422 is the only permitted value.
	writer().get(t, workflowPath(s.WorkflowID, "/result?failureStatus=500")).problem(t, http.StatusBadRequest, "invalid-request")
}

func TestCanceledWorkflowIsAnOutcome(t *testing.T) {
	t.Parallel()
	s := start(t, "Sleep", `"args":[{"seconds":600}]`)
	writer().post(t, workflowPath(s.WorkflowID, "/cancel"), `{"reason":"no longer wanted"}`).expect(t, http.StatusNoContent)
	o := awaitOutcome(t, s.WorkflowID)
	require.Equal(t, "CANCELED", o.Status)
	require.Equal(t, "canceled", o.Failure.Kind)
	a := writer().get(t, workflowPath(s.WorkflowID, "/result?failureStatus=422"))
	require.Equal(t, "CANCELED", as[outcome](t, a.expect(t, http.StatusUnprocessableEntity)).Status)
}

func TestTerminationHasReasonAndDetails(t *testing.T) {
	t.Parallel()
	s := startWithoutWorker(t)
	body := `{"reason":"stuck on <&>","details":[` + unusualValue + `,null]}`
	writer().post(t, workflowPath(s.WorkflowID, "/terminate"), body).expect(t, http.StatusNoContent)
	o := awaitOutcome(t, s.WorkflowID)
	require.Equal(t, "TERMINATED", o.Status)
	require.Equal(t, []string{"terminated", "stuck on <&>", writerKeyID}, []string{o.Failure.Kind, o.Failure.Message, o.Failure.Identity})
	require.Equal(t, []json.RawMessage{json.RawMessage(unusualValue), json.RawMessage("null")}, o.Failure.Details)
}

func TestTerminationPayloadsAreReturnedUnchanged(t *testing.T) {
	t.Parallel()
	s := startWithoutWorker(t)
	body := `{"detailPayloads":[{"json":1},{"metadata":{"encoding":"` + binaryPlainBase64 + `"},"data":"` + binaryDataBase64 + `"}]}`
	writer().post(t, workflowPath(s.WorkflowID, "/terminate"), body).expect(t, http.StatusNoContent)
	o := awaitOutcome(t, s.WorkflowID)
	require.Empty(t, o.Failure.Details, "one detail is not JSON, so all details are in DetailPayloads")
	require.Equal(t, []payload{
		{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte("1"), JSON: json.RawMessage("1")},
		{Metadata: map[string][]byte{"encoding": []byte("binary/plain")}, Data: []byte(binaryData)},
	}, o.Failure.DetailPayloads)
}

func TestTimedOutWorkflowIsAnOutcome(t *testing.T) {
	t.Parallel()
	s := startWithoutWorker(t, `"runTimeout":"1s"`)
	o := awaitOutcome(t, s.WorkflowID)
	require.Equal(t, []string{"TIMED_OUT", "timeout", "START_TO_CLOSE"}, []string{o.Status, o.Failure.Kind, o.Failure.TimeoutType})
}

// The workflow continues as new twice. Its result is the number of runs.
func TestContinuedRunsAreFollowed(t *testing.T) {
	t.Parallel()
	s := start(t, "Chain", `"args":[{"times":2}]`)
	last := awaitOutcome(t, s.WorkflowID)
	require.Equal(t, []string{"COMPLETED", "3"}, []string{last.Status, string(last.Result)})

	resultOfFirstRun := workflowPath(s.WorkflowID, "/result", runIDQuery(s.RunID))
	require.NotEqual(t, s.RunID, last.RunID)
	for _, query := range []string{"", "&wait=30s"} {
		o := as[outcome](t, writer().get(t, resultOfFirstRun+query).expect(t, http.StatusOK))
		require.Equal(t, []string{last.RunID, "COMPLETED", "3"}, []string{o.RunID, o.Status, string(o.Result)}, "the outcome of the first run is that of the last run")
		require.Empty(t, o.NewRunID)
	}
}

func TestContinuedRunIsAnOutcomeWhenNotFollowed(t *testing.T) {
	t.Parallel()
	s := start(t, "Chain", `"args":[{"times":1}]`)
	last := awaitOutcome(t, s.WorkflowID)
	for _, query := range []string{"&followRuns=false", "&followRuns=false&wait=30s"} {
		o := as[outcome](t, writer().get(t, workflowPath(s.WorkflowID, "/result", runIDQuery(s.RunID), query)).expect(t, http.StatusOK))
		require.Equal(t, []string{"CONTINUED_AS_NEW", s.RunID, last.RunID}, []string{o.Status, o.RunID, o.NewRunID})
		require.Nil(t, o.Failure)
	}
	body := startBody("Chain", newID(t), sample.TaskQueue, `"args":[{"times":1}]`)
	o := as[outcome](t, writer().post(t, workflows+"?wait=30s&followRuns=false", body).expect(t, http.StatusOK))
	require.Equal(t, "CONTINUED_AS_NEW", o.Status)
}

// retryOnce permits two attempts of a workflow.
const retryOnce = `"retryPolicy":{"initialInterval":"10ms","maximumAttempts":2}`

func TestRetriedRunsAreFollowed(t *testing.T) {
	t.Parallel()
	s := start(t, "Fail", `"args":[{}]`, retryOnce)
	path := workflowPath(s.WorkflowID, "/result", runIDQuery(s.RunID), "&wait=30s")
	last := as[outcome](t, writer().get(t, path).expect(t, http.StatusOK))
	require.Equal(t, "FAILED", last.Status)
	require.NotEqual(t, s.RunID, last.RunID)
	require.Empty(t, last.NewRunID)
	requireSampleFailure(t, last.Failure, 2)

	first := as[outcome](t, writer().get(t, path+"&followRuns=false").expect(t, http.StatusOK))
	require.Equal(t, []string{"FAILED", s.RunID, last.RunID}, []string{first.Status, first.RunID, first.NewRunID})
	requireSampleFailure(t, first.Failure, 1)
}

func TestRetriedRunThatSucceedsIsTheOutcome(t *testing.T) {
	t.Parallel()
	// "attempts" is the number of attempts that fail.
	body := startBody("Fail", newID(t), sample.TaskQueue, `"args":[{"attempts":1}]`, retryOnce)
	o := as[outcome](t, writer().post(t, workflows+"?wait=30s", body).expect(t, http.StatusOK))
	require.Equal(t, []string{"COMPLETED", `"succeeded at attempt 2"`}, []string{o.Status, string(o.Result)})
}
