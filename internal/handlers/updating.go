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

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream"
)

// The stages that a caller can wait for. Before them comes ADMITTED: the server
// has the update in memory alone, and forgets it when no worker takes it.
const (
	stageAccepted  = enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ACCEPTED
	stageCompleted = enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED
)

// progress is how far an update has come, as each of the RPCs tells it.
type progress interface {
	GetUpdateRef() *update.UpdateRef
	GetStage() enums.UpdateWorkflowExecutionLifecycleStage
	GetOutcome() *update.Outcome
}

// updating is an update on its way.
type updating struct {
	client   *upstream.Client
	polls    *updatePolls
	call     upstream.Call
	maxSlice time.Duration
	until    time.Time
	// send sends the update, the same one each time; nil when somebody else does.
	send func(context.Context) (progress, error)

	ref     *update.UpdateRef
	stage   enums.UpdateWorkflowExecutionLifecycleStage
	outcome *update.Outcome
	// kept tells that the server has the update in its history, where a rejected
	// one is not.
	kept bool
	// found counts the looks that found the outcome.
	found int
}

func (a *API) newUpdating(ctx context.Context, execution *common.WorkflowExecution, updateID string) *updating {
	return &updating{
		client: a.options.Upstream, polls: a.updatePolls, call: upstream.CallFrom(ctx), maxSlice: min(maxSlice, a.options.Limits.LongPoll),
		ref: &update.UpdateRef{
			WorkflowExecution: &common.WorkflowExecution{WorkflowId: execution.GetWorkflowId(), RunId: execution.GetRunId()},
			UpdateId:          updateID,
		},
	}
}

// await follows the update until it has come to a stage or the wait ends, which
// is no error: u tells how far it has come.
func (a *API) await(
	ctx context.Context, c *call, u *updating, wait time.Duration, stage enums.UpdateWorkflowExecutionLifecycleStage,
) error {
	c.place.Leave() // a wait holds less than a call does, and has a place of its own
	a.options.Metrics.WaitCallers.Inc()
	defer a.options.Metrics.WaitCallers.Dec()
	// The wait ends by cancelling, not by a deadline: a server that is told one
	// gives up before it.
	waiting, end := context.WithCancel(ctx)
	defer end()
	timer := time.AfterFunc(wait, end)
	defer timer.Stop()
	stay := context.AfterFunc(a.draining, end)
	defer stay()
	u.until = time.Now().Add(wait)
	err := u.follow(waiting, stage)
	switch {
	case err == nil, waiting.Err() == nil:
		return err
	case errors.Is(ctx.Err(), context.Canceled):
		return upstream.Canceled(ctx, err)
	case u.send != nil && u.stage < stageAccepted:
		return keptAway(err)
	default:
		return nil
	}
}

// keptAway gives the problem of a workflow that was too busy for the update when
// the wait ended, in a pause before it was to be sent again; nil when a worker
// could have taken it.
func keptAway(err error) error {
	failed, ok := errors.AsType[interface {
		error
		GRPCStatus() *status.Status
	}](err)
	if !ok || !problem.OfOneWorkflow(failed.GRPCStatus()) {
		return nil
	}
	return problem.FromStatus(failed.GRPCStatus(), "UpdateWorkflowExecution")
}

// follow ends when the update has come to a stage, with an error, or with ctx.
func (u *updating) follow(ctx context.Context, stage enums.UpdateWorkflowExecutionLifecycleStage) error {
	for u.stage < stage {
		begin, before := time.Now(), u.stage
		if err := u.slice(ctx); err != nil {
			return err
		}
		if u.stage > before {
			continue
		}
		if err := pause(ctx, pollPace-time.Since(begin)); err != nil {
			return err
		}
	}
	return nil
}

// slice waits for the next stage, for as long as one call may: without an
// answer by then the update is where it was. A shared call may last longer than
// this caller stays.
func (u *updating) slice(ctx context.Context) error {
	call := u.call
	call.Timeout = u.maxSlice
	var (
		got progress
		err error
	)
	switch {
	case u.stage >= stageAccepted:
		got, err = u.polls.wait(ctx, u.key(stageCompleted), call)
	case u.send != nil:
		call.Timeout = min(u.maxSlice, max(minSlice, time.Until(u.until)+sliceMargin))
		got, err = u.send(upstream.NewContext(ctx, &call))
	default:
		got, err = u.polls.wait(ctx, u.key(stageAccepted), call)
	}
	switch {
	case err == nil:
		u.learn(got)
	case problem.Is(err, problem.DeadlineExceeded) && ctx.Err() == nil:
		return nil
	}
	return err
}

// A run that closes before it has accepted an update may have a successor, by a
// reset say, which takes the update. A server that has closed the last run may
// say the same again, so there is an end to it.
const (
	closings    = 4
	closingPace = 250 * time.Millisecond
)

// sending gives what sends the update by itself, to the run that is current
// unless the request names one.
func (u *updating) sending(request *workflowservice.UpdateWorkflowExecutionRequest) func(context.Context) (progress, error) {
	return func(ctx context.Context) (progress, error) {
		for closed := 1; ; closed++ {
			response := &workflowservice.UpdateWorkflowExecutionResponse{}
			err := u.client.Do(ctx, workflowservice.WorkflowService_UpdateWorkflowExecution_FullMethodName, request, response)
			if !problem.IsClosing(err) || request.GetWorkflowExecution().GetRunId() != "" || closed == closings {
				return response, err
			}
			if err := pause(ctx, closingPace); err != nil {
				return nil, err
			}
		}
	}
}

// key is a poll for the update, which waits for a stage if one is given.
func (u *updating) key(stage enums.UpdateWorkflowExecutionLifecycleStage) updateKey {
	run := u.ref.GetWorkflowExecution()
	return updateKey{
		namespace: u.call.Namespace, workflowID: run.GetWorkflowId(), runID: run.GetRunId(), updateID: u.ref.GetUpdateId(), stage: stage,
	}
}

// now asks how things stand. It is shared with nobody: an answer that is on its
// way already may be older than what its caller knows.
func (u *updating) now(ctx context.Context) (progress, error) {
	key := u.key(enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_UNSPECIFIED)
	return key.poll(ctx, u.client)
}

// look learns how things stand.
func (u *updating) look(ctx context.Context) error {
	got, err := u.now(ctx)
	if err != nil {
		return err
	}
	u.learn(got)
	if u.outcome != nil {
		u.found++
	}
	return nil
}

// looks is how many looks have to find a failure: one alone may meet somebody
// else's copy of a rejected update, in the instant in which that is rejected.
const looks = 2

// confirm finds out whether the update failed, and is kept, or was rejected: the
// server's answers are the same. What is kept has its outcome for good. A look
// that finds anything else has found another copy, sent after ours was rejected.
func (u *updating) confirm(ctx context.Context) error {
	for ; u.found < looks; u.found++ {
		got, err := u.now(ctx)
		switch {
		case problem.Is(err, problem.UpdateNotFound), problem.Is(err, problem.WorkflowCompleted): // under the other copy
			return nil
		case err != nil:
			return err
		case !proto.Equal(got.GetOutcome(), u.outcome):
			return nil
		}
	}
	u.kept = true
	return nil
}

// learn notes how far the update has come, and in which run it is.
func (u *updating) learn(got progress) {
	if runID := got.GetUpdateRef().GetWorkflowExecution().GetRunId(); runID != "" {
		u.ref.WorkflowExecution.RunId = runID
	}
	u.stage, u.outcome = max(u.stage, got.GetStage()), got.GetOutcome()
	if u.outcome != nil {
		u.stage = stageCompleted
	}
	u.kept = u.kept || u.stage == stageAccepted
}

// shown tells what is known of the update.
func (u *updating) shown(ctx context.Context) (*WorkflowUpdate, error) {
	run := u.ref.GetWorkflowExecution()
	shown := &WorkflowUpdate{
		WorkflowID: run.GetWorkflowId(), RunID: run.GetRunId(), UpdateID: u.ref.GetUpdateId(), Stage: enumName(u.stage),
	}
	failure := u.outcome.GetFailure()
	if failure != nil && !u.kept {
		if err := u.confirm(ctx); err != nil {
			return nil, err
		}
	}
	switch {
	case u.outcome == nil:
	case failure == nil:
		shown.Status = "COMPLETED"
		shown.Result, shown.ResultPayload = result(u.outcome.GetSuccess())
	case u.kept:
		shown.Status, shown.Failure = "FAILED", shownFailure(failure)
	default:
		shown.Status, shown.Failure = "REJECTED", shownFailure(failure)
	}
	return shown, nil
}

// about adds the ids to a problem that concerns the update: whoever repeats it
// needs them. Equal waits may share err, so it stays as it is.
func (u *updating) about(err error) error {
	var e *problem.Error
	if !errors.As(err, &e) || e.Upstream == nil {
		return err
	}
	about := *e
	about.Members.WorkflowID, about.Members.UpdateID = u.ref.GetWorkflowExecution().GetWorkflowId(), u.ref.GetUpdateId()
	return &about
}
