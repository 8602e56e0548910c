package handlers

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/update/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream"
)

// The stages that a caller can wait for. Before them comes ADMITTED: the server
// has the update in memory alone, and forgets it when no worker takes it.
const (
	stageAccepted  = enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ACCEPTED
	stageCompleted = enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED
)

// updateCall is an update on its way.
type updateCall struct {
	client *upstream.Client
	polls  *longpoll.Polls
	call   upstream.CallOptions
	until  time.Time
	// send sends the update, the same one each time; nil when somebody else does.
	send func(context.Context) (longpoll.UpdateProgress, error)

	ref     *update.UpdateRef
	stage   enums.UpdateWorkflowExecutionLifecycleStage
	outcome *update.Outcome
	// persisted reports that the server has the update in its history, where a rejected
	// one is not.
	persisted bool
	// outcomeReads counts the looks that found the outcome.
	outcomeReads int
}

func (a *API) newUpdateCall(ctx context.Context, execution *common.WorkflowExecution, updateID string) *updateCall {
	return &updateCall{
		client: a.options.Upstream, polls: a.polls, call: upstream.CallFrom(ctx),
		ref: &update.UpdateRef{
			WorkflowExecution: &common.WorkflowExecution{WorkflowId: execution.GetWorkflowId(), RunId: execution.GetRunId()},
			UpdateId:          updateID,
		},
	}
}

// awaitStage follows the update until it has come to a stage or the wait ends, which
// is no error: u has the stage that it reached.
func (a *API) awaitStage(
	ctx context.Context, req *operation.Request, u *updateCall, wait time.Duration, stage enums.UpdateWorkflowExecutionLifecycleStage,
) error {
	req.ReleaseSlot(ctx) // a wait holds less than a call does, and has a place of its own
	a.options.Metrics.WaitCallers.Inc()
	defer a.options.Metrics.WaitCallers.Dec()
	// The wait ends by cancellation, not by a deadline: the server returns before a
	// deadline that it receives.
	waiting, end := context.WithCancel(ctx)
	defer end()
	timer := time.AfterFunc(wait, end)
	defer timer.Stop()
	stay := a.drain.AfterFunc(end)
	defer stay()
	u.until = time.Now().Add(wait)
	err := u.follow(waiting, stage)
	switch {
	case err == nil, waiting.Err() == nil:
		return err
	case errors.Is(ctx.Err(), context.Canceled):
		return upstream.Canceled(ctx, err)
	case u.send != nil && u.stage < stageAccepted:
		return busyError(err)
	default:
		return nil
	}
}

// busyError gives the problem of a workflow that was too busy for the update when
// the wait ended, in a pause before it was to be sent again; nil when a worker
// could have taken it.
func busyError(err error) error {
	failed, ok := errors.AsType[interface {
		error
		GRPCStatus() *status.Status
	}](err)
	if !ok || !problem.IsWorkflowBusy(failed.GRPCStatus()) {
		return nil
	}
	return problem.FromStatus(failed.GRPCStatus(), "UpdateWorkflowExecution")
}

// follow ends when the update has come to a stage, with an error, or with ctx.
func (u *updateCall) follow(ctx context.Context, stage enums.UpdateWorkflowExecutionLifecycleStage) error {
	for u.stage < stage {
		begin, before := time.Now(), u.stage
		if err := u.slice(ctx); err != nil {
			return err
		}
		if u.stage > before {
			continue
		}
		if err := longpoll.Pace(ctx, begin); err != nil {
			return err
		}
	}
	return nil
}

// slice waits for the next stage, for as long as one call may: without an
// answer by then the update is where it was. A shared call may last longer than
// this caller stays.
func (u *updateCall) slice(ctx context.Context) error {
	var (
		got longpoll.UpdateProgress
		err error
	)
	switch {
	case u.stage >= stageAccepted:
		got, err = u.polls.Updates.Wait(ctx, u.key(stageCompleted), u.call)
	case u.send != nil:
		call := u.call
		call.Timeout = u.polls.SliceTimeout(time.Until(u.until))
		got, err = u.send(upstream.NewContext(ctx, &call))
	default:
		got, err = u.polls.Updates.Wait(ctx, u.key(stageAccepted), u.call)
	}
	switch {
	case err == nil:
		u.apply(got)
	case problem.Is(err, problem.DeadlineExceeded) && ctx.Err() == nil:
		return nil
	}
	return err
}

// A run that closes before it has accepted an update may have a successor, by a
// reset say, which takes the update. A server that has closed the last run may
// say the same again, so there is an end to it.
const (
	maxCloseRetries = 4
	closeRetryDelay = 250 * time.Millisecond
)

// sendUpdate gives what sends the update by itself, to the run that is current
// unless the request names one.
func (u *updateCall) sendUpdate(request *workflowservice.UpdateWorkflowExecutionRequest) func(context.Context) (longpoll.UpdateProgress, error) {
	return func(ctx context.Context) (longpoll.UpdateProgress, error) {
		for closed := 1; ; closed++ {
			response := &workflowservice.UpdateWorkflowExecutionResponse{}
			err := u.client.Do(ctx, workflowservice.WorkflowService_UpdateWorkflowExecution_FullMethodName, request, response)
			if !problem.IsWorkflowClosing(err) || request.GetWorkflowExecution().GetRunId() != "" || closed == maxCloseRetries {
				return response, err
			}
			if err := upstream.Sleep(ctx, closeRetryDelay); err != nil {
				return nil, err
			}
		}
	}
}

// key is a poll for the update, which waits for a stage if one is given.
func (u *updateCall) key(stage enums.UpdateWorkflowExecutionLifecycleStage) longpoll.UpdateKey {
	run := u.ref.GetWorkflowExecution()
	return longpoll.UpdateKey{WorkflowID: run.GetWorkflowId(), RunID: run.GetRunId(), UpdateID: u.ref.GetUpdateId(), Stage: stage}
}

// poll asks how things stand. It is shared with nobody: an answer that is on its
// way already may be older than what its caller knows.
func (u *updateCall) poll(ctx context.Context) (longpoll.UpdateProgress, error) {
	return u.polls.Updates.Poll(ctx, u.key(enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_UNSPECIFIED))
}

// refresh learns how things stand.
func (u *updateCall) refresh(ctx context.Context) error {
	got, err := u.poll(ctx)
	if err != nil {
		return err
	}
	u.apply(got)
	if u.outcome != nil {
		u.outcomeReads++
	}
	return nil
}

// minOutcomeReads is how many looks have to find a failure: one alone may meet somebody
// else's copy of a rejected update, in the instant in which that is rejected.
const minOutcomeReads = 2

// confirmOutcome finds out whether the update failed, and is kept, or was rejected: the
// server's answers are the same. What is kept has its outcome for good. A look
// that finds anything else has found another copy, sent after ours was rejected.
func (u *updateCall) confirmOutcome(ctx context.Context) error {
	for ; u.outcomeReads < minOutcomeReads; u.outcomeReads++ {
		got, err := u.poll(ctx)
		switch {
		case problem.Is(err, problem.UpdateNotFound), problem.Is(err, problem.WorkflowCompleted): // under the other copy
			return nil
		case err != nil:
			return err
		case !proto.Equal(got.GetOutcome(), u.outcome):
			return nil
		}
	}
	u.persisted = true
	return nil
}

// apply records how far the update has come, and in which run it is.
func (u *updateCall) apply(got longpoll.UpdateProgress) {
	if runID := got.GetUpdateRef().GetWorkflowExecution().GetRunId(); runID != "" {
		u.ref.WorkflowExecution.RunId = runID
	}
	u.stage, u.outcome = max(u.stage, got.GetStage()), got.GetOutcome()
	if u.outcome != nil {
		u.stage = stageCompleted
	}
	u.persisted = u.persisted || u.stage == stageAccepted
}

// render returns what is known of the update.
func (u *updateCall) render(ctx context.Context) (*openapi.WorkflowUpdate, error) {
	run := u.ref.GetWorkflowExecution()
	shown := &openapi.WorkflowUpdate{
		WorkflowID: run.GetWorkflowId(), RunID: run.GetRunId(), UpdateID: u.ref.GetUpdateId(), Stage: convert.EnumName(u.stage),
	}
	failure := u.outcome.GetFailure()
	if failure != nil && !u.persisted {
		if err := u.confirmOutcome(ctx); err != nil {
			return nil, err
		}
	}
	switch {
	case u.outcome == nil:
	case failure == nil:
		shown.Status = "COMPLETED"
		shown.Result, shown.ResultPayload = convert.FirstPayload(u.outcome.GetSuccess())
	case u.persisted:
		shown.Status, shown.Failure = "FAILED", convert.Failure(failure)
	default:
		shown.Status, shown.Failure = "REJECTED", convert.Failure(failure)
	}
	return shown, nil
}

// withIDs adds the ids to a problem that concerns the update, since a client needs
// them to repeat it. Equal waits may share err, so it is not modified.
func (u *updateCall) withIDs(err error) error {
	var e *problem.Error
	if !errors.As(err, &e) || e.Upstream == nil {
		return err
	}
	about := *e
	about.Members.WorkflowID, about.Members.UpdateID = u.ref.GetWorkflowExecution().GetWorkflowId(), u.ref.GetUpdateId()
	return &about
}
