package update

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

// The stages that a caller can wait for. In the stage before them, ADMITTED, the server
// has the update in memory only, and drops it if no worker accepts it.
const (
	stageAccepted  = enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ACCEPTED
	stageCompleted = enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED
)

// updateCall sends or reads an update, and records the state of the update.
type updateCall struct {
	client  *upstream.Client
	polls   *longpoll.Polls
	options upstream.CallOptions
	until   time.Time // the end of the wait
	// send sends the update, each time with the same request. It is nil if the caller
	// only reads the update.
	send func(context.Context) (longpoll.UpdateProgress, error)

	ref     *update.UpdateRef
	stage   enums.UpdateWorkflowExecutionLifecycleStage
	outcome *update.Outcome
	// persisted is whether the update is in the workflow's history. A rejected update
	// never is.
	persisted bool
	// outcomeReads is the number of reads that returned the outcome.
	outcomeReads int
}

func (s *Service) newCall(ctx context.Context, execution *common.WorkflowExecution, updateID string) *updateCall {
	return &updateCall{
		client: s.upstream, polls: s.polls, options: upstream.OptionsFrom(ctx),
		ref: &update.UpdateRef{
			WorkflowExecution: &common.WorkflowExecution{WorkflowId: execution.GetWorkflowId(), RunId: execution.GetRunId()},
			UpdateId:          updateID,
		},
	}
}

// awaitStage waits until the update reaches a stage or the wait ends. The end of the wait
// is not an error: u.stage is the stage that was reached.
func (s *Service) awaitStage(
	ctx context.Context, req *operation.Request, u *updateCall, wait time.Duration, stage enums.UpdateWorkflowExecutionLifecycleStage,
) error {
	req.ReleaseSlot(ctx) // while it waits, the request holds only its wait slot
	s.metrics.WaitCallers.Inc()
	defer s.metrics.WaitCallers.Dec()
	// The wait ends by cancellation. The server would receive a deadline, and respond
	// before it.
	waitCtx, endWait := context.WithCancel(ctx)
	defer endWait()
	timer := time.AfterFunc(wait, endWait)
	defer timer.Stop()
	stop := s.drain.AfterFunc(endWait)
	defer stop()
	u.until = time.Now().Add(wait)
	err := u.follow(waitCtx, stage)
	switch {
	case err == nil, waitCtx.Err() == nil:
		return err
	case errors.Is(ctx.Err(), context.Canceled):
		return upstream.Canceled(ctx, err)
	case u.send != nil && u.stage < stageAccepted:
		return busyError(err)
	default:
		return nil
	}
}

// busyError returns the problem workflow-busy if err, the error at the end of the wait,
// shows that the server last rejected the update because the workflow was too busy.
// Otherwise it returns nil.
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

// follow returns when the update has reached a stage, on an error, or when ctx ends.
func (u *updateCall) follow(ctx context.Context, stage enums.UpdateWorkflowExecutionLifecycleStage) error {
	for u.stage < stage {
		begin, before := time.Now(), u.stage
		if err := u.waitOnce(ctx); err != nil {
			return err
		}
		if u.stage > before {
			continue
		}
		if err := longpoll.WaitPollInterval(ctx, begin); err != nil {
			return err
		}
	}
	return nil
}

// waitOnce waits for the next stage with one call. If the call times out, the stage is
// unchanged. A call that several requests share may take longer than the
// wait of this request.
func (u *updateCall) waitOnce(ctx context.Context) error {
	var (
		got longpoll.UpdateProgress
		err error
	)
	switch {
	case u.stage >= stageAccepted:
		got, err = u.polls.Updates.Wait(ctx, u.pollKey(stageCompleted), u.options)
	case u.send != nil:
		options := u.options
		options.Timeout = u.polls.PollTimeout(time.Until(u.until))
		got, err = u.send(upstream.WithOptions(ctx, &options))
	default:
		got, err = u.polls.Updates.Wait(ctx, u.pollKey(stageAccepted), u.options)
	}
	switch {
	case err == nil:
		u.apply(got)
	case problem.Is(err, problem.DeadlineExceeded) && ctx.Err() == nil:
		return nil
	}
	return err
}

// If a run closes before it accepts the update, the update is sent again, because the run
// may have a successor that accepts it, for example after a reset. The server may return
// the same error for a run without a successor, so the number of attempts is limited.
const (
	maxCloseAttempts = 4
	closeRetryDelay  = 250 * time.Millisecond
)

// sendUpdate returns a function that sends the update, to the current run unless the
// request names one.
func (u *updateCall) sendUpdate(request *workflowservice.UpdateWorkflowExecutionRequest) func(context.Context) (longpoll.UpdateProgress, error) {
	return func(ctx context.Context) (longpoll.UpdateProgress, error) {
		for attempt := 1; ; attempt++ {
			response := &workflowservice.UpdateWorkflowExecutionResponse{}
			err := u.client.Do(ctx, workflowservice.WorkflowService_UpdateWorkflowExecution_FullMethodName, request, response)
			if !problem.IsWorkflowClosing(err) || request.GetWorkflowExecution().GetRunId() != "" || attempt == maxCloseAttempts {
				return response, err
			}
			if err := upstream.Sleep(ctx, closeRetryDelay); err != nil {
				return nil, err
			}
		}
	}
}

// pollKey identifies a poll that waits until the update reaches a stage. A poll for the
// unspecified stage does not wait.
func (u *updateCall) pollKey(stage enums.UpdateWorkflowExecutionLifecycleStage) longpoll.UpdateKey {
	run := u.ref.GetWorkflowExecution()
	return longpoll.UpdateKey{WorkflowID: run.GetWorkflowId(), RunID: run.GetRunId(), UpdateID: u.ref.GetUpdateId(), Stage: stage}
}

// poll reads the update. It does not share a call that another request has made, because
// the response may be older than what this caller has already received.
func (u *updateCall) poll(ctx context.Context) (longpoll.UpdateProgress, error) {
	return u.polls.Updates.Poll(ctx, u.pollKey(enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_UNSPECIFIED))
}

// refresh reads the current stage and outcome.
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

// minOutcomeReads is the number of reads that must return the same failure before the
// update counts as persisted. After a rejection, another caller may send the same update
// again, and a single read may return the rejection of that copy.
const minOutcomeReads = 2

// confirmOutcome sets persisted if the update failed, and not if it was rejected. The
// server returns the same outcome for both, but only an update in the history keeps it.
// A read that returns anything else shows that the update was rejected, and that it may
// have been sent again by another caller.
func (u *updateCall) confirmOutcome(ctx context.Context) error {
	for ; u.outcomeReads < minOutcomeReads; u.outcomeReads++ {
		got, err := u.poll(ctx)
		switch {
		case problem.Is(err, problem.UpdateNotFound), problem.Is(err, problem.WorkflowCompleted):
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

// apply records the stage, the outcome and the run of the update.
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

// render returns the update as the client API represents it.
func (u *updateCall) render(ctx context.Context) (*openapi.WorkflowUpdate, error) {
	run := u.ref.GetWorkflowExecution()
	rendered := &openapi.WorkflowUpdate{
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
		rendered.Status = "COMPLETED"
		rendered.Result, rendered.ResultPayload = convert.FirstPayload(u.outcome.GetSuccess())
	case u.persisted:
		rendered.Status, rendered.Failure = "FAILED", convert.Failure(failure)
	default:
		rendered.Status, rendered.Failure = "REJECTED", convert.Failure(failure)
	}
	return rendered, nil
}

// withIDs adds the workflow id and the update id to an error that the server returned,
// because a client needs them to repeat the update. It copies the error, because the
// waits that share a poll share its error.
func (u *updateCall) withIDs(err error) error {
	var e *problem.Error
	if !errors.As(err, &e) || e.Upstream == nil {
		return err
	}
	copied := *e
	copied.Members.WorkflowID, copied.Members.UpdateID = u.ref.GetWorkflowExecution().GetWorkflowId(), u.ref.GetUpdateId()
	return &copied
}
