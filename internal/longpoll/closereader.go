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

// closeReader waits for a run's close event, and for those of the runs that
// succeed it.
type closeReader struct {
	client  *upstream.Client
	longest time.Duration
	key     OutcomeKey
	// timeLeft returns how long the last caller will still wait.
	timeLeft func() time.Duration
	// report receives the run whenever more is known of it.
	report func(Run)

	at    Run
	token []byte
}

// read returns the close of the last run, an error, or that of ctx.
func (r *closeReader) read(ctx context.Context) (*Close, error) {
	if r.at.RunID == "" {
		// The wait is pinned to the run that is current now, so that a caller
		// that repeats its request asks for the same run.
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
			closed.Run = r.at
			return closed, nil
		}
		r.token = nil
		r.switchTo(successor, "")
	}
}

// switchTo records the run that is waited for. An empty firstRunID keeps the
// one that is known.
func (r *closeReader) switchTo(runID, firstRunID string) {
	r.at.RunID, r.at.FirstRunID = runID, cmp.Or(firstRunID, r.at.FirstRunID)
	r.report(r.at)
}

// successor returns the run in which the wait continues, if any. A reset takes
// precedence: it replaced whatever the run had continued in. The close event
// does not mention it.
func (r *closeReader) successor(ctx context.Context, closed *Close) (string, error) {
	if r.key.FollowReset {
		run, err := DescribeRun(ctx, r.client, r.key.WorkflowID, r.at.RunID)
		if err != nil {
			return "", err
		}
		r.switchTo(r.at.RunID, run.GetWorkflowExecutionInfo().GetFirstRunId())
		if reset := run.GetWorkflowExtendedInfo().GetResetRunId(); reset != "" {
			return reset, nil
		}
	}
	if r.key.FollowRuns {
		return closed.NewRunID, nil
	}
	return "", nil
}

// next returns the run's close event as soon as there is one.
func (r *closeReader) next(ctx context.Context) (*Close, error) {
	for {
		begin := time.Now()
		closed, err := r.slice(ctx)
		if closed != nil || err != nil {
			return closed, err
		}
		if err := Pace(ctx, begin); err != nil {
			return nil, err
		}
	}
}

// slice makes one upstream poll. It returns nil when the run has not closed yet.
func (r *closeReader) slice(ctx context.Context) (*Close, error) {
	rest := r.timeLeft()
	if rest <= 0 { // all callers are about to leave
		return nil, upstream.Sleep(ctx, MinSlice)
	}
	call := upstream.CallFrom(ctx)
	call.Timeout = sliceTimeout(rest, r.longest)
	response := &workflowservice.GetWorkflowExecutionHistoryResponse{}
	err := r.client.Do(upstream.NewContext(ctx, &call), workflowservice.WorkflowService_GetWorkflowExecutionHistory_FullMethodName,
		&workflowservice.GetWorkflowExecutionHistoryRequest{
			Namespace:              call.Namespace,
			Execution:              &common.WorkflowExecution{WorkflowId: r.key.WorkflowID, RunId: r.at.RunID},
			NextPageToken:          r.token,
			WaitNewEvent:           true,
			HistoryEventFilterType: enums.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT,
			SkipArchival:           true,
		}, response)
	if isSliceOver(ctx, err) {
		return nil, nil //nolint:nilnil // "not yet" is no error
	}
	if err != nil {
		return nil, err
	}
	if events := response.GetHistory().GetEvents(); len(events) > 0 {
		return r.last(events[len(events)-1])
	}
	r.token = response.GetNextPageToken()
	return nil, nil //nolint:nilnil // "not yet" is no error
}

// last reads the last event of the run. The server returns it at once also when
// the run is paused, which it takes for closed.
func (r *closeReader) last(event *history.HistoryEvent) (*Close, error) {
	closed := closeOf(event)
	if closed == nil && event.GetAttributes() == nil {
		return nil, problem.New(problem.UpstreamError, "The workflow ended with an event that the gateway does not know.")
	}
	r.token = nil
	return closed, nil
}

// isSliceOver reports whether an upstream poll reached its deadline while the
// wait continues.
func isSliceOver(ctx context.Context, err error) bool {
	return problem.Is(err, problem.DeadlineExceeded) && ctx.Err() == nil
}

// DescribeRun returns what the server knows of a run, the current one when runID
// is empty. The call is made under a copy of the options in ctx.
func DescribeRun(
	ctx context.Context, client *upstream.Client, workflowID, runID string,
) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	call := upstream.CallFrom(ctx)
	response := &workflowservice.DescribeWorkflowExecutionResponse{}
	err := client.Do(upstream.NewContext(ctx, &call), workflowservice.WorkflowService_DescribeWorkflowExecution_FullMethodName,
		&workflowservice.DescribeWorkflowExecutionRequest{
			Namespace: call.Namespace,
			Execution: &common.WorkflowExecution{WorkflowId: workflowID, RunId: runID},
		}, response)
	return response, err
}
