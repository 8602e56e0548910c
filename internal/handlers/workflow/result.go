package workflow

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
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
func (s *Service) GetWorkflowResult(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	spec := operation.Spec{
		Name: "getWorkflowResult", Namespace: namespace,
		Method: workflowservice.WorkflowService_GetWorkflowExecutionHistory_FullMethodName,
		Handle: &operation.Handle{WorkflowID: workflowID},
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, params *openapi.GetWorkflowResultParams, _ *operation.None,
	) (*operation.Response, error) {
		wait, err := req.AcquireRequestedWait(params.Wait)
		if err != nil {
			return nil, err
		}
		if err := operation.CheckFailureStatus(params.FailureStatus); err != nil {
			return nil, err
		}
		return s.respondWithOutcome(ctx, req, outcomeQuery{
			workflowID: req.Execution.GetWorkflowId(), runID: req.Execution.GetRunId(),
			firstExecutionRunID: params.FirstExecutionRunID, wait: wait,
			followRuns: params.FollowRuns == nil || *params.FollowRuns, followReset: params.FollowReset != nil && *params.FollowReset,
			failureStatus: params.FailureStatus,
		})
	})
}

// outcomeQuery identifies the run whose outcome is requested, and how to return it.
type outcomeQuery struct {
	workflowID, runID, firstExecutionRunID string
	wait                                   time.Duration
	followRuns, followReset                bool
	failureStatus                          *int
}

// respondWithOutcome returns the response with the outcome or, if there is none by the
// end of the wait, a 202 response with the URL at which to continue.
func (s *Service) respondWithOutcome(ctx context.Context, req *operation.Request, want outcomeQuery) (*operation.Response, error) {
	var (
		closed *longpoll.ClosedRun
		run    longpoll.Run
		err    error
	)
	if want.wait > 0 {
		closed, run, err = s.waitForOutcome(ctx, req, want)
	} else {
		closed, run, err = s.currentOutcome(ctx, want)
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

// waitForOutcome waits in a shared poll. If the wait ends without an outcome, it returns
// the run that it waited for.
func (s *Service) waitForOutcome(ctx context.Context, req *operation.Request, want outcomeQuery) (*longpoll.ClosedRun, longpoll.Run, error) {
	until := time.Now().Add(want.wait)
	wait := s.polls.Outcomes.Join(ctx, longpoll.OutcomeKey{
		WorkflowID: want.workflowID, RunID: want.runID, FollowRuns: want.followRuns, FollowReset: want.followReset,
	}, upstream.OptionsFrom(ctx), until)
	defer wait.Leave()
	req.Release(ctx) // while it waits, the request holds only its wait slot
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	code := problem.UpstreamUnavailable
	select {
	case <-wait.Done():
		closed, err := wait.Result()
		if errors.Is(err, context.Canceled) { // the poll ended because the gateway is stopping
			err = nil
		}
		return closed, wait.Run(), err
	case <-timer.C:
	case <-s.drain.Done():
		code = problem.Draining
	case <-ctx.Done():
		if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, longpoll.Run{}, upstream.Canceled(ctx, ctx.Err())
		} // the request budget ended before the wait, because the start used part of it
	}
	run := wait.Run()
	return nil, run, unknownRunError(run, code)
}

// unknownRunError returns an error if the wait ended before the first response of the
// server, because the gateway does not know then whether the workflow exists.
func unknownRunError(known longpoll.Run, code problem.Code) error {
	if known.RunID != "" {
		return nil
	}
	return problem.New(code, "The wait ended before the Temporal server responded.")
}

// currentOutcome returns the outcome if there is one, without waiting. It describes the
// run instead of polling the history. A poll with a deadline short enough for an
// immediate response could miss the close event on a busy server.
func (s *Service) currentOutcome(ctx context.Context, want outcomeQuery) (*longpoll.ClosedRun, longpoll.Run, error) {
	run := longpoll.Run{WorkflowID: want.workflowID, RunID: want.runID}
	for {
		description, err := longpoll.DescribeRun(ctx, s.upstream, want.workflowID, run.RunID)
		if err != nil {
			return nil, run, err
		}
		info := description.GetWorkflowExecutionInfo()
		run.RunID = info.GetExecution().GetRunId()
		run.FirstRunID = cmp.Or(info.GetFirstRunId(), run.FirstRunID)
		if !convert.HasOutcome(info.GetStatus()) {
			return nil, run, nil
		}
		if resetRunID := description.GetWorkflowExtendedInfo().GetResetRunId(); want.followReset && resetRunID != "" {
			run.RunID = resetRunID
			continue
		}
		closed, err := s.polls.Outcomes.ReadClosed(ctx, run)
		if err != nil || !want.followRuns || closed.NewRunID == "" {
			return closed, run, err
		}
		run.RunID = closed.NewRunID
	}
}

// outcomeResponse returns the response with an outcome. A failure of the workflow is data,
// so the status is 200 unless the caller sends failureStatus.
func outcomeResponse(o *openapi.Outcome, failureStatus *int) *operation.Response {
	response := operation.OK(o)
	if failureStatus != nil && o.Failure != nil {
		response.Status = *failureStatus
	}
	return response
}

// pendingResponse returns the response to a wait that timed out, with the URL at which
// the same wait continues.
func pendingResponse(namespace string, p openapi.Pending, want outcomeQuery) *operation.Response {
	p.Status = "RUNNING"
	query := url.Values{}
	if !want.followRuns {
		query.Set("followRuns", "false")
	}
	if want.followReset {
		query.Set("followReset", "true")
	}
	if want.failureStatus != nil {
		query.Set("failureStatus", strconv.Itoa(*want.failureStatus))
	}
	return operation.Accepted(p, convert.ResultPath(namespace, p.WorkflowID, p.RunID, query))
}
