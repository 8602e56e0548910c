package handlers

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/metadata"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream"
)

// GetWorkflowResult is the SDK's handle.result.
func (a *API) GetWorkflowResult(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	op := operation{
		name: "getWorkflowResult", namespace: namespace,
		method: workflowservice.WorkflowService_GetWorkflowExecutionHistory_FullMethodName,
		handle: &handle{segment: workflowID},
	}
	serve(a, w, r, op, func(ctx context.Context, c *operationRequest, params *GetWorkflowResultParams, _ *noBody) (*response, error) {
		wait, err := a.acquireWait(c, params.Wait)
		if err != nil {
			return nil, err
		}
		if err := checkFailureStatus(params.FailureStatus); err != nil {
			return nil, err
		}
		return a.awaitOutcome(ctx, c, outcomeQuery{
			workflowID: c.execution.GetWorkflowId(), runID: c.execution.GetRunId(),
			firstExecutionRunID: params.FirstExecutionRunID, wait: wait,
			followRuns: params.FollowRuns == nil || *params.FollowRuns, followReset: params.FollowReset != nil && *params.FollowReset,
			failureStatus: params.FailureStatus,
		})
	})
}

// checkFailureStatus comes before any call: a refused request has no effect.
func checkFailureStatus(status *int) error {
	if status != nil && *status != http.StatusUnprocessableEntity {
		return problem.Invalid("?failureStatus", "must be 422")
	}
	return nil
}

// outcomeQuery is the outcome that a caller wants.
type outcomeQuery struct {
	workflowID, runID, firstExecutionRunID string
	wait                                   time.Duration
	followRuns, followReset                bool
	failureStatus                          *int
}

// awaitOutcome answers with the outcome, or tells the caller to come back.
func (a *API) awaitOutcome(ctx context.Context, c *operationRequest, want outcomeQuery) (*response, error) {
	var (
		outcome *Outcome
		pending Pending
		err     error
	)
	if want.wait > 0 {
		outcome, pending, err = a.waitForOutcome(ctx, c, want)
	} else {
		outcome, pending, err = a.currentOutcome(ctx, want)
	}
	if err != nil {
		return nil, withWorkflowID(err, want.workflowID)
	}
	if outcome == nil {
		pending.FirstExecutionRunID = cmp.Or(pending.FirstExecutionRunID, want.firstExecutionRunID)
		return pendingResponse(c.namespace, pending, want), nil
	}
	shown := *outcome // equal waits share it
	shown.FirstExecutionRunID = cmp.Or(shown.FirstExecutionRunID, want.firstExecutionRunID)
	return outcomeResponse(&shown, want.failureStatus), nil
}

// waitForOutcome shares an upstream poll with everyone who waits for the same.
func (a *API) waitForOutcome(ctx context.Context, c *operationRequest, want outcomeQuery) (*Outcome, Pending, error) {
	outgoing := upstream.CallFrom(ctx)
	outgoing.Timeout = 0 // the poll's slices have deadlines of their own
	until := time.Now().Add(want.wait)
	w := a.outcomePolls.join(ctx, outcomeKey{
		namespace: c.namespace, workflowID: want.workflowID, runID: want.runID,
		followRuns: want.followRuns, followReset: want.followReset,
		credential: a.options.Upstream.CredentialID(c.Principal, c.namespace), scope: c.Principal.Capability.Scope(),
		metadata: metadataKey(metadata.New(c.Principal.Metadata), outgoing.Metadata),
	}, outgoing, until)
	defer a.outcomePolls.leave(w)
	c.Release(ctx) // a wait holds less than a call does, and has a place of its own
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-w.done:
		if errors.Is(w.err, context.Canceled) { // the API's life has ended, and the poll with it
			return nil, w.pendingRun(), nil
		}
		return w.outcome, w.pendingRun(), w.err
	case <-timer.C:
		return nil, w.pendingRun(), unknownRunError(w.pendingRun(), problem.UpstreamUnavailable)
	case <-a.draining.Done():
		return nil, w.pendingRun(), unknownRunError(w.pendingRun(), problem.Draining)
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) { // the start took its share of the request's budget
			return nil, w.pendingRun(), unknownRunError(w.pendingRun(), problem.UpstreamUnavailable)
		}
		return nil, Pending{}, upstream.Canceled(ctx, ctx.Err())
	}
}

// unknownRunError is the end of a wait in which the upstream has said nothing: then
// nobody knows that there is such a workflow, let alone that it runs.
func unknownRunError(known Pending, code problem.Code) error {
	if known.RunID != "" {
		return nil
	}
	return problem.New(code, "The wait ended before the Temporal server had told anything of the workflow.")
}

// refresh tells how things stand without waiting. The run is described first: a
// history poll with a deadline short enough to answer at once could miss the
// close event on a busy server.
func (a *API) currentOutcome(ctx context.Context, want outcomeQuery) (*Outcome, Pending, error) {
	pending := Pending{WorkflowID: want.workflowID, RunID: want.runID}
	for {
		run, err := describeRun(ctx, a.options.Upstream, upstream.CallFrom(ctx), want.workflowID, pending.RunID)
		if err != nil {
			return nil, pending, err
		}
		info := run.GetWorkflowExecutionInfo()
		pending.RunID = info.GetExecution().GetRunId()
		pending.FirstExecutionRunID = cmp.Or(info.GetFirstRunId(), pending.FirstExecutionRunID)
		if !isClosed(info.GetStatus()) {
			return nil, pending, nil
		}
		if reset := run.GetWorkflowExtendedInfo().GetResetRunId(); want.followReset && reset != "" {
			pending.RunID = reset
			continue
		}
		outcome, err := a.closeEvent(ctx, pending)
		if err != nil || !want.followRuns || outcome.NewRunID == "" {
			return outcome, pending, err
		}
		pending.RunID = outcome.NewRunID
	}
}

// closeEvent reads the outcome of a run that is known to be closed.
func (a *API) closeEvent(ctx context.Context, run Pending) (*Outcome, error) {
	call := upstream.CallFrom(ctx)
	w := &outcomePoll{
		key:     outcomeKey{namespace: call.Namespace, workflowID: run.WorkflowID, runID: run.RunID},
		until:   time.Now().Add(maxSlice),
		pending: run,
	}
	return newOutcomePoller(a.options.Upstream, w, call, a.options.Limits.LongPoll).run(ctx)
}
