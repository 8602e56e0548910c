package temporalfake_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/update/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// runWithFake runs a test in a synctest bubble, with a fake and a client of it.
func runWithFake[F any](t *testing.T, newFake func(*upstreamtest.Server) F, test func(*testing.T, F, workflowservice.WorkflowServiceClient)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		conn, err := grpc.NewClient("passthrough:///temporal", grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) { return server.Dial(ctx, address) }))
		require.NoError(t, err)
		defer func() { require.NoError(t, conn.Close()) }()
		test(t, newFake(server), workflowservice.NewWorkflowServiceClient(conn))
	})
}

// historyCall is a call of GetWorkflowExecutionHistory.
type historyCall struct {
	runID   string
	token   []byte
	timeout time.Duration // zero means none
	noWait  bool
	filter  enums.HistoryEventFilterType
}

// do makes the call and returns its duration.
func (c historyCall) do(t *testing.T, server workflowservice.WorkflowServiceClient) (page *workflowservice.GetWorkflowExecutionHistoryResponse, took time.Duration) {
	t.Helper()
	ctx := t.Context()
	if c.timeout != 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	begin := time.Now()
	page, err := server.GetWorkflowExecutionHistory(ctx, &workflowservice.GetWorkflowExecutionHistoryRequest{
		Execution: &common.WorkflowExecution{WorkflowId: "order", RunId: c.runID}, NextPageToken: c.token,
		MaximumPageSize: 2, WaitNewEvent: !c.noWait, HistoryEventFilterType: c.filter,
	})
	require.NoError(t, err)
	return page, time.Since(begin)
}

const closeEvent = enums.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT

func TestHistoryPollsEndOnTime(t *testing.T) {
	t.Parallel()
	runWithFake(t, temporalfake.NewRunChain, func(t *testing.T, _ *temporalfake.RunChain, server workflowservice.WorkflowServiceClient) {
		first, _ := historyCall{}.do(t, server)
		require.Len(t, first.GetHistory().GetEvents(), 1)
		for _, c := range []struct {
			historyCall

			wantDuration time.Duration
			wantToken    bool
		}{
			{historyCall{token: first.GetNextPageToken()}, 20 * time.Second, true},
			{historyCall{token: first.GetNextPageToken(), timeout: time.Minute}, 20 * time.Second, true},
			// A poll ends a second before its deadline.
			{historyCall{token: first.GetNextPageToken(), timeout: 6 * time.Second}, 5 * time.Second, true},
			{historyCall{token: first.GetNextPageToken(), timeout: time.Second}, 0, true},
			{historyCall{token: first.GetNextPageToken(), noWait: true}, 0, false},
			{historyCall{filter: closeEvent, timeout: 6 * time.Second}, 5 * time.Second, true},
		} {
			page, took := c.do(t, server)
			require.InDelta(t, c.wantDuration, took, float64(time.Millisecond), "%+v", c)
			require.Empty(t, page.GetHistory().GetEvents())
			require.Equal(t, c.wantToken, len(page.GetNextPageToken()) > 0, "%+v", c)
		}
	})
}

func TestChainReturnsAddedEventsAndRuns(t *testing.T) {
	t.Parallel()
	runWithFake(t, temporalfake.NewRunChain, func(t *testing.T, c *temporalfake.RunChain, server workflowservice.WorkflowServiceClient) {
		page, _ := historyCall{}.do(t, server)
		time.AfterFunc(3*time.Second, func() { c.Signal(3) })
		page, took := historyCall{token: page.GetNextPageToken()}.do(t, server)
		require.Equal(t, 3*time.Second, took)
		require.Len(t, page.GetHistory().GetEvents(), 2, "the page size is 2")
		page, took = historyCall{token: page.GetNextPageToken()}.do(t, server)
		require.Zero(t, took)
		require.Len(t, page.GetHistory().GetEvents(), 1)
		require.Zero(t, c.Polls())

		c.ContinueAsNew()
		c.Terminate()
		closed, took := historyCall{runID: temporalfake.ChainRunID(1), filter: closeEvent}.do(t, server)
		require.Zero(t, took)
		require.Empty(t, closed.GetNextPageToken())
		require.Equal(t, temporalfake.ChainRunID(2),
			closed.GetHistory().GetEvents()[0].GetWorkflowExecutionContinuedAsNewEventAttributes().GetNewExecutionRunId())
		described, err := server.DescribeWorkflowExecution(t.Context(), &workflowservice.DescribeWorkflowExecutionRequest{
			Execution: &common.WorkflowExecution{WorkflowId: "order"},
		})
		require.NoError(t, err)
		info := described.GetWorkflowExecutionInfo()
		require.Equal(t, []string{temporalfake.ChainRunID(2), temporalfake.ChainRunID(1)}, []string{info.GetExecution().GetRunId(), info.GetFirstRunId()})
		require.Equal(t, enums.WORKFLOW_EXECUTION_STATUS_TERMINATED, info.GetStatus())
		require.Len(t, c.EventIDs(), 7)
		_, err = server.DescribeWorkflowExecution(t.Context(), &workflowservice.DescribeWorkflowExecutionRequest{
			Execution: &common.WorkflowExecution{WorkflowId: "other"},
		})
		require.Equal(t, codes.NotFound, status.Code(err))
	})
}

func TestTransientEventsAreNotPersisted(t *testing.T) {
	t.Parallel()
	runWithFake(t, temporalfake.NewRunChain, func(t *testing.T, c *temporalfake.RunChain, server workflowservice.WorkflowServiceClient) {
		c.StartTask()
		page, _ := historyCall{}.do(t, server)
		require.Len(t, page.GetHistory().GetEvents(), 3)
		require.Len(t, c.EventIDs(), 1)
		c.Signal(1)
		page, _ = historyCall{}.do(t, server)
		require.Len(t, page.GetHistory().GetEvents(), 2)
	})
}

func TestPausedRunLooksClosed(t *testing.T) {
	t.Parallel()
	runWithFake(t, temporalfake.NewRunChain, func(t *testing.T, c *temporalfake.RunChain, server workflowservice.WorkflowServiceClient) {
		c.SetPaused(true)
		page, took := historyCall{}.do(t, server)
		require.Zero(t, took)
		require.Empty(t, page.GetNextPageToken())
		c.SetPaused(false)
		page, _ = historyCall{}.do(t, server)
		require.NotEmpty(t, page.GetNextPageToken())
	})
}

func TestWorkflowCompletes(t *testing.T) {
	t.Parallel()
	runWithFake(t, temporalfake.NewWorkflow, func(t *testing.T, f *temporalfake.Workflow, server workflowservice.WorkflowServiceClient) {
		page, took := historyCall{timeout: 6 * time.Second}.do(t, server)
		require.InDelta(t, 5*time.Second, took, float64(time.Millisecond), "a poll ends a second before its deadline")
		require.NotEmpty(t, page.GetNextPageToken())
		time.AfterFunc(3*time.Second, f.Complete)
		page, took = historyCall{}.do(t, server)
		require.Equal(t, 3*time.Second, took)
		require.Empty(t, page.GetNextPageToken())
		result := page.GetHistory().GetEvents()[0].GetWorkflowExecutionCompletedEventAttributes().GetResult()
		require.Equal(t, `"done"`, string(result.GetPayloads()[0].GetData()))
		current, maximum := f.Polls()
		require.Equal(t, [2]int{0, 1}, [2]int{current, maximum})
		started, err := server.StartWorkflowExecution(t.Context(), &workflowservice.StartWorkflowExecutionRequest{})
		require.NoError(t, err)
		require.Equal(t, temporalfake.RunID, started.GetRunId())
	})
}

// sendUpdate sends the update "u" and waits until it completes.
func sendUpdate(ctx context.Context, server workflowservice.WorkflowServiceClient) (*workflowservice.UpdateWorkflowExecutionResponse, error) {
	return server.UpdateWorkflowExecution(ctx, &workflowservice.UpdateWorkflowExecutionRequest{
		WorkflowExecution: &common.WorkflowExecution{WorkflowId: "order"},
		WaitPolicy:        &update.WaitPolicy{LifecycleStage: temporalfake.Completed},
		Request:           &update.Request{Meta: &update.Meta{UpdateId: "u"}},
	})
}

func pollUpdate(ctx context.Context, server workflowservice.WorkflowServiceClient) (*workflowservice.PollWorkflowExecutionUpdateResponse, error) {
	return server.PollWorkflowExecutionUpdate(ctx, &workflowservice.PollWorkflowExecutionUpdateRequest{
		UpdateRef:  &update.UpdateRef{WorkflowExecution: &common.WorkflowExecution{WorkflowId: "order"}, UpdateId: "u"},
		WaitPolicy: &update.WaitPolicy{LifecycleStage: temporalfake.Completed},
	})
}

func TestUpdateWaitsEndOnTime(t *testing.T) {
	t.Parallel()
	runWithFake(t, temporalfake.NewUpdate, func(t *testing.T, f *temporalfake.Update, server workflowservice.WorkflowServiceClient) {
		_, err := pollUpdate(t.Context(), server)
		require.Equal(t, codes.NotFound, status.Code(err), "the update has not been sent yet")
		begin := time.Now()
		sent, err := sendUpdate(t.Context(), server)
		require.NoError(t, err)
		require.Equal(t, 20*time.Second, time.Since(begin), "each wait without progress ends after 20 s")
		require.Equal(t, temporalfake.Admitted, sent.GetStage())
		f.Accept()
		polled, err := pollUpdate(t.Context(), server)
		require.NoError(t, err)
		require.Equal(t, 40*time.Second, time.Since(begin))
		require.Equal(t, temporalfake.Accepted, polled.GetStage())
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		_, err = pollUpdate(ctx, server)
		require.Equal(t, codes.DeadlineExceeded, status.Code(err))
		require.Equal(t, 44*time.Second, time.Since(begin), "this wait ends at its own deadline of 4 s")
		synctest.Wait()
		require.Zero(t, f.Polls())
	})
}

func TestRejectedUpdateIsNotStored(t *testing.T) {
	t.Parallel()
	for name, rejected := range map[string]bool{"failed": false, "rejected": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runWithFake(t, temporalfake.NewUpdate, func(t *testing.T, f *temporalfake.Update, server workflowservice.WorkflowServiceClient) {
				time.AfterFunc(time.Second, func() { f.Fail("no", rejected) })
				sent, err := sendUpdate(t.Context(), server)
				require.NoError(t, err)
				require.Equal(t, temporalfake.Completed, sent.GetStage())
				require.Equal(t, "no", sent.GetOutcome().GetFailure().GetMessage())
				polled, err := pollUpdate(t.Context(), server)
				require.Equal(t, rejected, status.Code(err) == codes.NotFound, "%v", err)
				require.Equal(t, rejected, polled.GetOutcome() == nil)
			})
		})
	}
}

func TestUpdateWithStartStartsTheWorkflowOnce(t *testing.T) {
	t.Parallel()
	runWithFake(t, temporalfake.NewUpdate, func(t *testing.T, f *temporalfake.Update, server workflowservice.WorkflowServiceClient) {
		f.Complete(`7`)
		for _, wantStarted := range []bool{true, false} {
			response, err := server.ExecuteMultiOperation(t.Context(), &workflowservice.ExecuteMultiOperationRequest{
				Operations: []*workflowservice.ExecuteMultiOperationRequest_Operation{
					{Operation: &workflowservice.ExecuteMultiOperationRequest_Operation_StartWorkflow{
						StartWorkflow: &workflowservice.StartWorkflowExecutionRequest{},
					}},
					{Operation: &workflowservice.ExecuteMultiOperationRequest_Operation_UpdateWorkflow{
						UpdateWorkflow: &workflowservice.UpdateWorkflowExecutionRequest{},
					}},
				},
			})
			require.NoError(t, err)
			require.Equal(t, wantStarted, response.GetResponses()[0].GetStartWorkflow().GetStarted())
			require.Equal(t, "7", string(response.GetResponses()[1].GetUpdateWorkflow().GetOutcome().GetSuccess().GetPayloads()[0].GetData()))
		}
	})
}
