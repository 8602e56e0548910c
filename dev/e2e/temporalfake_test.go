package e2e_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/update/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The unit tests of the gateway use the fakes in internal/temporalfake instead of a Temporal server. The tests below
// check that a real server behaves as the doc comment of that package states: change both together. The constants have
// the values of LongPoll and DeadlineMargin in that package.
const (
	longPollDuration = 20 * time.Second
	deadlineMargin   = time.Second
)

// callTolerance is the tolerated difference between the expected and the measured duration of a call. It is large
// because the machine may be busy.
const callTolerance = 2 * time.Second

func TestTemporalFakesMatchTheServer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*testing.T){
		"a history poll without new events ends after 20 s":          historyPollWithoutEvents(time.Minute, longPollDuration, true),
		"a history poll ends 1 s before its deadline":                historyPollWithoutEvents(6*time.Second, 6*time.Second-deadlineMargin, true),
		"a history poll with a deadline of 1 s ends immediately":     historyPollWithoutEvents(deadlineMargin, 0, true),
		"a request that does not wait returns no next page token":    historyPollWithoutEvents(time.Minute, 0, false),
		"a poll with CLOSE_EVENT always waits":                       closeEventPoll,
		"a close event ends the poll and returns no next page token": closedHistory,
		"a history poll of a paused run ends as for a closed run":    pausedHistory,
		"a wait for an update ends after 20 s":                       updateWaitWithoutProgress,
		"a wait for an update ends at the caller's deadline":         updateWaitDeadline,
		"a rejected update is reported as a failed one":              rejectedUpdate,
		"an update-with-start reports whether it started":            updateWithStartTwice,
		"a close event contains the id of the next run":              continuedHistory,
		"a workflow that does not exist is NOT_FOUND":                absentWorkflow,
		"an unknown update is NOT_FOUND":                             absentUpdate,
		"an update without a worker is ADMITTED after 20 s":          admittedUpdate,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

// readHistory calls GetWorkflowExecutionHistory of the server with the request as modified by change. It returns the
// page and the duration of the call.
func readHistory(
	t *testing.T, s started, deadline time.Duration, change func(*workflowservice.GetWorkflowExecutionHistoryRequest),
) (*workflowservice.GetWorkflowExecutionHistoryResponse, time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	request := &workflowservice.GetWorkflowExecutionHistoryRequest{
		Namespace: "default", Execution: &common.WorkflowExecution{WorkflowId: s.WorkflowID, RunId: s.RunID}, MaximumPageSize: 100,
	}
	change(request)
	begin := time.Now()
	page, err := shared.server.GetWorkflowExecutionHistory(ctx, request)
	require.NoError(t, err)
	return page, time.Since(begin)
}

// readAllEvents reads the existing events and returns the page token for a poll that waits for the next event.
func readAllEvents(t *testing.T, s started) []byte {
	t.Helper()
	page, took := readHistory(t, s, time.Minute, func(r *workflowservice.GetWorkflowExecutionHistoryRequest) { r.WaitNewEvent = true })
	require.Less(t, took, callTolerance)
	require.NotEmpty(t, page.GetHistory().GetEvents())
	require.NotEmpty(t, page.GetNextPageToken(), "the run has not closed")
	return page.GetNextPageToken()
}

// historyPollWithoutEvents returns a test of a poll that receives no new event: with the given deadline, it must last
// for the duration want. If wait is false, the call does not wait and returns the existing events.
func historyPollWithoutEvents(deadline, want time.Duration, wait bool) func(*testing.T) {
	return func(t *testing.T) {
		t.Helper()
		s := startWithoutWorker(t)
		var token []byte
		if wait {
			token = readAllEvents(t, s)
		}
		page, took := readHistory(t, s, deadline, func(r *workflowservice.GetWorkflowExecutionHistoryRequest) {
			r.WaitNewEvent, r.NextPageToken = wait, token
		})
		require.InDelta(t, want, took, float64(callTolerance))
		require.Equal(t, wait, len(page.GetHistory().GetEvents()) == 0)
		require.Equal(t, wait, len(page.GetNextPageToken()) > 0)
	}
}

func closeEventPoll(t *testing.T) {
	t.Helper()
	s := startWithoutWorker(t)
	for _, wait := range []bool{true, false} {
		page, took := readHistory(t, s, 6*time.Second, func(r *workflowservice.GetWorkflowExecutionHistoryRequest) {
			r.WaitNewEvent, r.HistoryEventFilterType = wait, enums.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT
		})
		require.InDelta(t, 6*time.Second-deadlineMargin, took, float64(callTolerance))
		require.Empty(t, page.GetHistory().GetEvents())
		require.Equal(t, wait, len(page.GetNextPageToken()) > 0, "waitNewEvent=%t", wait)
	}
}

func closedHistory(t *testing.T) {
	t.Helper()
	s := startWithoutWorker(t)
	token := readAllEvents(t, s)
	time.AfterFunc(3*time.Second, func() { terminate(t, s.WorkflowID) })
	page, took := readHistory(t, s, time.Minute, func(r *workflowservice.GetWorkflowExecutionHistoryRequest) {
		r.WaitNewEvent, r.NextPageToken = true, token
	})
	require.InDelta(t, 3*time.Second, took, float64(callTolerance))
	events := page.GetHistory().GetEvents()
	require.Equal(t, enums.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED, events[len(events)-1].GetEventType())
	require.Empty(t, page.GetNextPageToken())
	closes, took := readHistory(t, s, time.Minute, func(r *workflowservice.GetWorkflowExecutionHistoryRequest) {
		r.WaitNewEvent, r.HistoryEventFilterType = true, enums.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT
	})
	require.Less(t, took, callTolerance)
	require.Len(t, closes.GetHistory().GetEvents(), 1)
	require.Empty(t, closes.GetNextPageToken())
}

func pausedHistory(t *testing.T) {
	t.Helper()
	s := startWithoutWorker(t)
	writer().post(t, workflowPath(s.WorkflowID, "/pause"), `{"reason":"the bank is down"}`).expect(t, http.StatusNoContent)
	page, took := readHistory(t, s, time.Minute, func(r *workflowservice.GetWorkflowExecutionHistoryRequest) { r.WaitNewEvent = true })
	require.Less(t, took, callTolerance)
	require.Empty(t, page.GetNextPageToken())
	require.Equal(t, "PAUSED", describe(t, s.WorkflowID).Status)
}

func continuedHistory(t *testing.T) {
	t.Helper()
	s := startLedger(t)
	writer().post(t, workflowPath(s.WorkflowID, "/signal"), `{"signal":"next"}`).expect(t, http.StatusNoContent)
	page, _ := readHistory(t, s, time.Minute, func(r *workflowservice.GetWorkflowExecutionHistoryRequest) {
		r.WaitNewEvent, r.HistoryEventFilterType = true, enums.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT
	})
	require.Len(t, page.GetHistory().GetEvents(), 1)
	next := page.GetHistory().GetEvents()[0].GetWorkflowExecutionContinuedAsNewEventAttributes().GetNewExecutionRunId()
	described, err := shared.server.DescribeWorkflowExecution(t.Context(), &workflowservice.DescribeWorkflowExecutionRequest{
		Namespace: "default", Execution: &common.WorkflowExecution{WorkflowId: s.WorkflowID},
	})
	require.NoError(t, err)
	require.Equal(t, next, described.GetWorkflowExecutionInfo().GetExecution().GetRunId(), "without a run id, the server describes the latest run")
	require.Equal(t, s.RunID, described.GetWorkflowExecutionInfo().GetFirstRunId())
}

func absentWorkflow(t *testing.T) {
	t.Helper()
	_, err := shared.server.DescribeWorkflowExecution(t.Context(), &workflowservice.DescribeWorkflowExecutionRequest{
		Namespace: "default", Execution: &common.WorkflowExecution{WorkflowId: newID(t)},
	})
	require.Equal(t, codes.NotFound, status.Code(err), "%v", err)
}

const (
	admitted  = enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ADMITTED
	accepted  = enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ACCEPTED
	completed = enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED
)

// updateRequest returns the request that calls an update handler of a Ledger workflow with the argument n, and waits
// for the given stage.
func updateRequest(
	t *testing.T, workflowID, handler string, n int, stage enums.UpdateWorkflowExecutionLifecycleStage,
) *workflowservice.UpdateWorkflowExecutionRequest {
	t.Helper()
	args, err := converter.GetDefaultDataConverter().ToPayloads(n)
	require.NoError(t, err)
	return &workflowservice.UpdateWorkflowExecutionRequest{
		Namespace: "default", WorkflowExecution: &common.WorkflowExecution{WorkflowId: workflowID},
		WaitPolicy: &update.WaitPolicy{LifecycleStage: stage},
		Request: &update.Request{
			Meta: &update.Meta{UpdateId: "u"}, Input: &update.Input{Name: handler, Args: args},
		},
	}
}

func pollRequest(workflowID string, stage enums.UpdateWorkflowExecutionLifecycleStage) *workflowservice.PollWorkflowExecutionUpdateRequest {
	return &workflowservice.PollWorkflowExecutionUpdateRequest{
		Namespace: "default", WaitPolicy: &update.WaitPolicy{LifecycleStage: stage},
		UpdateRef: &update.UpdateRef{WorkflowExecution: &common.WorkflowExecution{WorkflowId: workflowID}, UpdateId: "u"},
	}
}

// callUpdate calls a method that waits for an update and returns the duration of the call.
func callUpdate[Q, A any](
	t *testing.T, deadline time.Duration, call func(context.Context, Q) (A, error), request Q,
) (A, time.Duration, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	begin := time.Now()
	response, err := call(ctx, request)
	return response, time.Since(begin), err
}

func sendUpdate(ctx context.Context, r *workflowservice.UpdateWorkflowExecutionRequest) (*workflowservice.UpdateWorkflowExecutionResponse, error) {
	return shared.server.UpdateWorkflowExecution(ctx, r)
}

func pollUpdate(ctx context.Context, r *workflowservice.PollWorkflowExecutionUpdateRequest) (*workflowservice.PollWorkflowExecutionUpdateResponse, error) {
	return shared.server.PollWorkflowExecutionUpdate(ctx, r)
}

func updateWaitWithoutProgress(t *testing.T) {
	t.Helper()
	s := startLedger(t)
	sent, took, err := callUpdate(t, time.Minute, sendUpdate, updateRequest(t, s.WorkflowID, "addLater", 1, completed))
	require.NoError(t, err)
	require.InDelta(t, longPollDuration, took, float64(callTolerance))
	require.Equal(t, accepted, sent.GetStage())
	require.Nil(t, sent.GetOutcome())
	polled, took, err := callUpdate(t, time.Minute, pollUpdate, pollRequest(s.WorkflowID, completed))
	require.NoError(t, err)
	require.InDelta(t, longPollDuration, took, float64(callTolerance))
	require.Equal(t, accepted, polled.GetStage())
	require.Nil(t, polled.GetOutcome())
}

func admittedUpdate(t *testing.T) {
	t.Helper()
	s := startWithoutWorker(t)
	sent, took, err := callUpdate(t, time.Minute, sendUpdate, updateRequest(t, s.WorkflowID, "add", 1, accepted))
	require.NoError(t, err)
	require.InDelta(t, longPollDuration, took, float64(callTolerance))
	require.Equal(t, admitted, sent.GetStage())
}

func updateWaitDeadline(t *testing.T) {
	t.Helper()
	s := startLedger(t)
	_, took, err := callUpdate(t, 4*time.Second, sendUpdate, updateRequest(t, s.WorkflowID, "addLater", 1, completed))
	require.Equal(t, codes.DeadlineExceeded, status.Code(err), "%v", err)
	require.InDelta(t, 4*time.Second, took, float64(callTolerance))
	_, took, err = callUpdate(t, 4*time.Second, pollUpdate, pollRequest(s.WorkflowID, completed))
	require.Equal(t, codes.DeadlineExceeded, status.Code(err), "%v", err)
	require.InDelta(t, 4*time.Second, took, float64(callTolerance))
}

func rejectedUpdate(t *testing.T) {
	t.Helper()
	failed, rejected := startLedger(t), startLedger(t)
	for workflowID, n := range map[string]int{failed.WorkflowID: 101, rejected.WorkflowID: -1} {
		sent, _, err := callUpdate(t, time.Minute, sendUpdate, updateRequest(t, workflowID, "add", n, completed))
		require.NoError(t, err)
		require.Equal(t, completed, sent.GetStage())
		require.NotNil(t, sent.GetOutcome().GetFailure().GetApplicationFailureInfo())
	}
	polled, _, err := callUpdate(t, time.Minute, pollUpdate, pollRequest(failed.WorkflowID, completed))
	require.NoError(t, err)
	require.NotNil(t, polled.GetOutcome().GetFailure())
	_, _, err = callUpdate(t, time.Minute, pollUpdate, pollRequest(rejected.WorkflowID, completed))
	require.Equal(t, codes.NotFound, status.Code(err), "%v", err)
}

func absentUpdate(t *testing.T) {
	t.Helper()
	_, took, err := callUpdate(t, time.Minute, pollUpdate, pollRequest(startLedger(t).WorkflowID, completed))
	require.Equal(t, codes.NotFound, status.Code(err), "%v", err)
	require.Less(t, took, callTolerance)
}

func updateWithStartTwice(t *testing.T) {
	t.Helper()
	workflowID := newID(t)
	args, err := converter.GetDefaultDataConverter().ToPayloads(0)
	require.NoError(t, err)
	for _, first := range []bool{true, false} {
		response, err := shared.server.ExecuteMultiOperation(t.Context(), &workflowservice.ExecuteMultiOperationRequest{
			Namespace: "default",
			Operations: []*workflowservice.ExecuteMultiOperationRequest_Operation{
				{Operation: &workflowservice.ExecuteMultiOperationRequest_Operation_StartWorkflow{
					StartWorkflow: &workflowservice.StartWorkflowExecutionRequest{
						Namespace: "default", WorkflowId: workflowID, RequestId: newID(t), Input: args,
						WorkflowType: &common.WorkflowType{Name: "Ledger"}, TaskQueue: &taskqueue.TaskQueue{Name: testQueue},
						WorkflowIdConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
					},
				}},
				{Operation: &workflowservice.ExecuteMultiOperationRequest_Operation_UpdateWorkflow{
					UpdateWorkflow: updateRequest(t, workflowID, "add", 1, completed),
				}},
			},
		})
		require.NoError(t, err)
		require.Len(t, response.GetResponses(), 2)
		require.Equal(t, first, response.GetResponses()[0].GetStartWorkflow().GetStarted())
		require.NotNil(t, response.GetResponses()[1].GetUpdateWorkflow().GetOutcome().GetSuccess())
	}
}
