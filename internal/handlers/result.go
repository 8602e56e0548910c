package handlers

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream"
)

// GetWorkflowResult is the SDK's handle.result.
func (a *API) GetWorkflowResult(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	spec := operation.Spec{
		Name: "getWorkflowResult", Namespace: namespace,
		Method: workflowservice.WorkflowService_GetWorkflowExecutionHistory_FullMethodName,
		Handle: &operation.Handle{WorkflowID: workflowID},
	}
	operation.Serve(a.adapter, w, r, spec, func(ctx context.Context, req *operation.Request, params *openapi.GetWorkflowResultParams, _ *operation.None) (*operation.Response, error) {
		wait, err := req.AcquireRequestedWait(params.Wait)
		if err != nil {
			return nil, err
		}
		if err := operation.CheckFailureStatus(params.FailureStatus); err != nil {
			return nil, err
		}
		return a.awaitOutcome(ctx, req, outcomeQuery{
			workflowID: req.Execution.GetWorkflowId(), runID: req.Execution.GetRunId(),
			firstExecutionRunID: params.FirstExecutionRunID, wait: wait,
			followRuns: params.FollowRuns == nil || *params.FollowRuns, followReset: params.FollowReset != nil && *params.FollowReset,
			failureStatus: params.FailureStatus,
		})
	})
}

// outcomeQuery is the outcome that a caller wants.
type outcomeQuery struct {
	workflowID, runID, firstExecutionRunID string
	wait                                   time.Duration
	followRuns, followReset                bool
	failureStatus                          *int
}

// awaitOutcome responds with the outcome, or with 202 and where to ask again.
func (a *API) awaitOutcome(ctx context.Context, req *operation.Request, want outcomeQuery) (*operation.Response, error) {
	var (
		closed *longpoll.Close
		run    longpoll.Run
		err    error
	)
	if want.wait > 0 {
		closed, run, err = a.waitForOutcome(ctx, req, want)
	} else {
		closed, run, err = a.currentOutcome(ctx, want)
	}
	if err != nil {
		return nil, operation.WithWorkflowID(err, want.workflowID)
	}
	if closed == nil {
		run.FirstRunID = cmp.Or(run.FirstRunID, want.firstExecutionRunID)
		pending := openapi.Pending{WorkflowID: run.WorkflowID, RunID: run.RunID, FirstExecutionRunID: run.FirstRunID}
		return pendingResponse(req.Namespace, pending, want), nil
	}
	outcome := convert.Outcome(closed.Event)
	outcome.WorkflowID, outcome.RunID = closed.WorkflowID, closed.RunID
	outcome.FirstExecutionRunID = cmp.Or(closed.FirstRunID, want.firstExecutionRunID)
	return outcomeResponse(outcome, want.failureStatus), nil
}

// waitForOutcome shares an upstream poll with all callers who wait for the same.
// Without an outcome it returns the run that is waited for.
func (a *API) waitForOutcome(ctx context.Context, req *operation.Request, want outcomeQuery) (*longpoll.Close, longpoll.Run, error) {
	until := time.Now().Add(want.wait)
	wait := a.polls.Outcomes.Join(ctx, longpoll.OutcomeKey{
		WorkflowID: want.workflowID, RunID: want.runID, FollowRuns: want.followRuns, FollowReset: want.followReset,
	}, upstream.CallFrom(ctx), until)
	defer wait.Leave()
	req.Release(ctx) // a wait holds less than a call does, and has a slot of its own
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	code := problem.UpstreamUnavailable
	select {
	case <-wait.Done():
		closed, err := wait.Result()
		if errors.Is(err, context.Canceled) { // the gateway stopped, and the poll with it
			err = nil
		}
		return closed, wait.Run(), err
	case <-timer.C:
	case <-a.drain.Done():
		code = problem.Draining
	case <-ctx.Done():
		if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, longpoll.Run{}, upstream.Canceled(ctx, ctx.Err())
		} // otherwise the start took its share of the request's budget
	}
	run := wait.Run()
	return nil, run, unknownRunError(run, code)
}

// unknownRunError returns the problem of a wait that ended before the upstream
// responded at all: it is not known that the workflow exists, let alone that it
// runs.
func unknownRunError(known longpoll.Run, code problem.Code) error {
	if known.RunID != "" {
		return nil
	}
	return problem.New(code, "The wait ended before the Temporal server had told anything of the workflow.")
}

// currentOutcome returns the outcome if there is one, without waiting. The run is
// described first: a history poll with a deadline short enough for an immediate
// response could miss the close event on a busy server.
func (a *API) currentOutcome(ctx context.Context, want outcomeQuery) (*longpoll.Close, longpoll.Run, error) {
	at := longpoll.Run{WorkflowID: want.workflowID, RunID: want.runID}
	for {
		run, err := longpoll.DescribeRun(ctx, a.options.Upstream, want.workflowID, at.RunID)
		if err != nil {
			return nil, at, err
		}
		info := run.GetWorkflowExecutionInfo()
		at.RunID = info.GetExecution().GetRunId()
		at.FirstRunID = cmp.Or(info.GetFirstRunId(), at.FirstRunID)
		if !convert.HasOutcome(info.GetStatus()) {
			return nil, at, nil
		}
		if reset := run.GetWorkflowExtendedInfo().GetResetRunId(); want.followReset && reset != "" {
			at.RunID = reset
			continue
		}
		closed, err := a.polls.Outcomes.Read(ctx, at)
		if err != nil || !want.followRuns || closed.NewRunID == "" {
			return closed, at, err
		}
		at.RunID = closed.NewRunID
	}
}
