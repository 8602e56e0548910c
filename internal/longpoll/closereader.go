package longpoll

import (
	"cmp"
	"context"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream"
)

// closeReader waits for the close event of a run, and of the runs that succeed
// it.
type closeReader struct {
	client     *upstream.Client
	maxTimeout time.Duration // of one upstream poll
	key        OutcomeKey
	// timeLeft returns the time until the last caller leaves.
	timeLeft func() time.Duration
	// report is called with the value of run each time it changes.
	report func(Run)

	run   Run    // the run that the wait is currently for
	token []byte // page token of the next poll; empty for the first poll of a run
}

// read waits until the last run that the key includes has closed, and returns how it
// ended. It returns an error if a call fails or ctx ends.
func (r *closeReader) read(ctx context.Context) (*ClosedRun, error) {
	if r.run.RunID == "" {
		// From now on, the wait is for the run that is current now. The response
		// to the caller names the run, so that a repeated request waits for the
		// same one.
		run, err := DescribeRun(ctx, r.client, r.key.WorkflowID, "")
		if err != nil {
			return nil, err
		}
		info := run.GetWorkflowExecutionInfo()
		r.switchTo(info.GetExecution().GetRunId(), info.GetFirstRunId())
	}
	for {
		closed, err := r.next(ctx)
		if err != nil {
			return nil, err
		}
		successor, err := r.successor(ctx, closed)
		if err != nil {
			return nil, err
		}
		if successor == "" {
			closed.Run = r.run
			return closed, nil
		}
		r.token = nil
		r.switchTo(successor, "")
	}
}

// switchTo sets the run that the wait is for. If firstRunID is empty, it does not change
// the first run.
func (r *closeReader) switchTo(runID, firstRunID string) {
	r.run.RunID, r.run.FirstRunID = runID, cmp.Or(firstRunID, r.run.FirstRunID)
	r.report(r.run)
}

// successor returns the id of the run with which the wait continues after the current
// one has closed, or an empty string if the wait is over. The run that a reset started
// takes precedence, because it replaces any other successor. The close event does not
// name it, so successor describes the closed run.
func (r *closeReader) successor(ctx context.Context, closed *ClosedRun) (string, error) {
	if r.key.FollowReset {
		run, err := DescribeRun(ctx, r.client, r.key.WorkflowID, r.run.RunID)
		if err != nil {
			return "", err
		}
		r.switchTo(r.run.RunID, run.GetWorkflowExecutionInfo().GetFirstRunId())
		if reset := run.GetWorkflowExtendedInfo().GetResetRunId(); reset != "" {
			return reset, nil
		}
	}
	if r.key.FollowRuns {
		return closed.NewRunID, nil
	}
	return "", nil
}

// next waits until the run has closed, and returns how it ended.
func (r *closeReader) next(ctx context.Context) (*ClosedRun, error) {
	for {
		begin := time.Now()
		closed, err := r.poll(ctx)
		if closed != nil || err != nil {
			return closed, err
		}
		if err := WaitPollInterval(ctx, begin); err != nil {
			return nil, err
		}
	}
}

// poll makes one upstream poll. It returns nil if the run has not closed yet.
func (r *closeReader) poll(ctx context.Context) (*ClosedRun, error) {
	left := r.timeLeft()
	if left <= 0 { // all callers are about to leave, and then ctx ends
		return nil, upstream.Sleep(ctx, MinPollTimeout)
	}
	call := upstream.OptionsFrom(ctx)
	call.Timeout = sliceTimeout(left, r.maxTimeout)
	response := &workflowservice.GetWorkflowExecutionHistoryResponse{}
	err := r.client.Do(upstream.WithOptions(ctx, &call), workflowservice.WorkflowService_GetWorkflowExecutionHistory_FullMethodName,
		&workflowservice.GetWorkflowExecutionHistoryRequest{
			Namespace:              call.Namespace,
			Execution:              &common.WorkflowExecution{WorkflowId: r.key.WorkflowID, RunId: r.run.RunID},
			NextPageToken:          r.token,
			WaitNewEvent:           true,
			HistoryEventFilterType: enums.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT,
			SkipArchival:           true,
		}, response)
	if isPollTimeout(ctx, err) {
		return nil, nil //nolint:nilnil // the run has not closed yet
	}
	if err != nil {
		return nil, err
	}
	if events := response.GetHistory().GetEvents(); len(events) > 0 {
		return r.closeOf(events[len(events)-1])
	}
	r.token = response.GetNextPageToken()
	return nil, nil //nolint:nilnil // the run has not closed yet
}

// closeOf returns how the run ended, given its last event. It returns nil if the run is
// paused: the server then returns the last event immediately, as for a closed run.
func (r *closeReader) closeOf(event *history.HistoryEvent) (*ClosedRun, error) {
	closed := closeOf(event)
	if closed == nil && event.GetAttributes() == nil {
		return nil, problem.New(problem.UpstreamError, "The workflow ended with an event that the gateway does not know.")
	}
	r.token = nil
	return closed, nil
}

// isPollTimeout reports whether err says that an upstream poll reached its deadline, and
// ctx, the context of the wait, has not ended.
func isPollTimeout(ctx context.Context, err error) bool {
	return problem.Is(err, problem.DeadlineExceeded) && ctx.Err() == nil
}

// DescribeRun describes a run, or the current run if runID is empty. The call uses
// a copy of the options in ctx.
func DescribeRun(
	ctx context.Context, client *upstream.Client, workflowID, runID string,
) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	call := upstream.OptionsFrom(ctx)
	response := &workflowservice.DescribeWorkflowExecutionResponse{}
	err := client.Do(upstream.WithOptions(ctx, &call), workflowservice.WorkflowService_DescribeWorkflowExecution_FullMethodName,
		&workflowservice.DescribeWorkflowExecutionRequest{
			Namespace: call.Namespace,
			Execution: &common.WorkflowExecution{WorkflowId: workflowID, RunId: runID},
		}, response)
	return response, err
}
