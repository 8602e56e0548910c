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
		want := outcomeQuery{
			workflowID: req.Execution.GetWorkflowId(), runID: req.Execution.GetRunId(),
			firstExecutionRunID: params.FirstExecutionRunID, wait: wait,
			followRuns: params.FollowRuns == nil || *params.FollowRuns, followReset: params.FollowReset != nil && *params.FollowReset,
			failureStatus: params.FailureStatus,
		}
		outcome, err := s.outcome(ctx, req, want)
		if err != nil {
			return nil, err
		}
		return outcomeResponse(namespace, outcome, outcome, want), nil
	})
}

// statusRunning is the status in an outcome of a workflow that has none yet.
const statusRunning = "RUNNING"

// outcomeQuery identifies the run whose outcome is requested, and how to return it.
type outcomeQuery struct {
	workflowID, runID, firstExecutionRunID string
	wait                                   time.Duration
	followRuns, followReset                bool
	failureStatus                          *int
}

// outcome returns the outcome or, if there is none by the end of the wait, the run that
// is still running.
func (s *Service) outcome(ctx context.Context, req *operation.Request, want outcomeQuery) (*openapi.Outcome, error) {
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
	outcome := &openapi.Outcome{Status: statusRunning}
	if closed != nil {
		outcome, run = convert.Outcome(closed.Event), closed.Run
	}
	outcome.WorkflowID, outcome.RunID = run.WorkflowID, run.RunID
	outcome.FirstExecutionRunID = cmp.Or(run.FirstRunID, want.firstExecutionRunID)
	return outcome, nil
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
		if !errors.Is(err, context.Canceled) {
			return closed, wait.Run(), err
		}
		code = problem.Draining // the poll ended because the gateway is stopping
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

// outcomeResponse returns the response with an outcome, which the body contains. A failure
// of the workflow is data, so the status is 200 unless the caller sends failureStatus. If
// the workflow is still running, the response has the URL at which the same wait
// continues.
func outcomeResponse(namespace string, outcome *openapi.Outcome, body any, want outcomeQuery) *operation.Response {
	if outcome.Status == statusRunning {
		return operation.Accepted(body, resultPath(namespace, outcome, want))
	}
	response := operation.OK(body)
	if want.failureStatus != nil && outcome.Failure != nil {
		response.Status = *want.failureStatus
	}
	return response
}

// resultPath returns the path at which the wait for an outcome continues.
func resultPath(namespace string, outcome *openapi.Outcome, want outcomeQuery) string {
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
	return convert.ResultPath(namespace, outcome.WorkflowID, outcome.RunID, query)
}
