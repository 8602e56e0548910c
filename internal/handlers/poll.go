package handlers

import (
	"context"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream"
)

// An upstream poll is a slice of the wait. The server answers a history poll
// a second before its deadline, and after 20 s at the latest; a deadline of a
// second or less it answers at once, which would make the loop hot.
const (
	maxSlice    = 22 * time.Second
	minSlice    = 2 * time.Second
	sliceMargin = time.Second
	// pollPace is the least time between the starts of two polls.
	pollPace = time.Second
)

// outcomePoller follows a run to its close event, and on to the runs that succeed it.
type outcomePoller struct {
	client   *upstream.Client
	shared   *outcomePoll
	call     upstream.CallOptions
	maxSlice time.Duration
	runID    string
	token    []byte
}

func newOutcomePoller(client *upstream.Client, w *outcomePoll, call upstream.CallOptions, longPoll time.Duration) *outcomePoller {
	return &outcomePoller{client: client, shared: w, call: call, maxSlice: min(maxSlice, longPoll), runID: w.key.runID}
}

// run ends with the outcome, an error, or the end of ctx.
func (p *outcomePoller) run(ctx context.Context) (*Outcome, error) {
	if p.runID == "" {
		// The poll is pinned to the run that is current now, so that callers
		// who are told to come back ask for the same one.
		run, err := describeRun(ctx, p.client, p.call, p.shared.key.workflowID, "")
		if err != nil {
			return nil, err
		}
		info := run.GetWorkflowExecutionInfo()
		p.runID = info.GetExecution().GetRunId()
		p.shared.setRun(p.runID, info.GetFirstRunId())
	}
	for {
		o, err := p.next(ctx)
		if err != nil {
			return nil, err
		}
		next, err := p.successor(ctx, o)
		if err != nil {
			return nil, err
		}
		if next != "" {
			p.runID, p.token = next, nil
			p.shared.setRun(p.runID, "")
			continue
		}
		o.WorkflowID, o.RunID = p.shared.key.workflowID, p.runID
		o.FirstExecutionRunID = p.shared.pendingRun().FirstExecutionRunID
		return o, nil
	}
}

// successor gives the run in which the wait goes on, if any. A reset comes
// first: it took the run back from where it had led. The close event does not
// tell of it.
func (p *outcomePoller) successor(ctx context.Context, o *Outcome) (string, error) {
	if p.shared.key.followReset {
		run, err := describeRun(ctx, p.client, p.call, p.shared.key.workflowID, p.runID)
		if err != nil {
			return "", err
		}
		p.shared.setRun(p.runID, run.GetWorkflowExecutionInfo().GetFirstRunId())
		if reset := run.GetWorkflowExtendedInfo().GetResetRunId(); reset != "" {
			return reset, nil
		}
	}
	if p.shared.key.followRuns {
		return o.NewRunID, nil
	}
	return "", nil
}

// fetchNext gives what the run's close event tells, as soon as there is one.
func (p *outcomePoller) next(ctx context.Context) (*Outcome, error) {
	for {
		begin := time.Now()
		o, err := p.slice(ctx)
		if o != nil || err != nil {
			return o, err
		}
		if err := sleep(ctx, pollPace-time.Since(begin)); err != nil {
			return nil, err
		}
	}
}

// slice makes one upstream poll; nil means "not yet".
func (p *outcomePoller) slice(ctx context.Context) (*Outcome, error) {
	rest := p.shared.timeLeft()
	if rest <= 0 { // whoever waits is on the way out
		return nil, sleep(ctx, minSlice)
	}
	call := p.call
	call.Timeout = min(p.maxSlice, max(minSlice, rest+sliceMargin))
	answer := &workflowservice.GetWorkflowExecutionHistoryResponse{}
	err := p.client.Do(upstream.NewContext(ctx, &call), workflowservice.WorkflowService_GetWorkflowExecutionHistory_FullMethodName,
		&workflowservice.GetWorkflowExecutionHistoryRequest{
			Namespace:              call.Namespace,
			Execution:              &common.WorkflowExecution{WorkflowId: p.shared.key.workflowID, RunId: p.runID},
			NextPageToken:          p.token,
			WaitNewEvent:           true,
			HistoryEventFilterType: enums.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT,
			SkipArchival:           true,
		}, answer)
	if problem.Is(err, problem.DeadlineExceeded) && ctx.Err() == nil {
		return nil, nil //nolint:nilnil // "not yet" is no error
	}
	if err != nil {
		return nil, err
	}
	if events := answer.GetHistory().GetEvents(); len(events) > 0 {
		return p.last(events[len(events)-1])
	}
	p.token = answer.GetNextPageToken()
	return nil, nil //nolint:nilnil // "not yet" is no error
}

// last reads the last event of the run, which the server gives at once when the
// run is paused too: it takes that for closed.
func (p *outcomePoller) last(event *history.HistoryEvent) (*Outcome, error) {
	o := outcomeOf(event)
	if o == nil && event.GetAttributes() == nil {
		return nil, problem.New(problem.UpstreamError, "The workflow ended with an event that the gateway does not know.")
	}
	p.token = nil
	return o, nil
}

// sleep waits, or ends with ctx.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(max(d, 0))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// describeRun gives what the server knows of a run.
func describeRun(
	ctx context.Context, client *upstream.Client, call upstream.CallOptions, workflowID, runID string,
) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	answer := &workflowservice.DescribeWorkflowExecutionResponse{}
	err := client.Do(upstream.NewContext(ctx, &call), workflowservice.WorkflowService_DescribeWorkflowExecution_FullMethodName,
		&workflowservice.DescribeWorkflowExecutionRequest{
			Namespace: call.Namespace,
			Execution: &common.WorkflowExecution{WorkflowId: workflowID, RunId: runID},
		}, answer)
	return answer, err
}
