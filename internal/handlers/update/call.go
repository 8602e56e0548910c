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

// The stages that a caller can wait for. The stage before them is ADMITTED: the server
// has the update in memory only, and drops it if no worker accepts it.
const (
	stageAccepted  = enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ACCEPTED
	stageCompleted = enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED
)

// call is an update in progress.
type call struct {
	client  *upstream.Client
	polls   *longpoll.Polls
	options upstream.CallOptions
	until   time.Time
	// send sends the update, always the same one. It is nil for a caller that only reads
	// the update.
	send func(context.Context) (longpoll.UpdateProgress, error)

	ref     *update.UpdateRef
	stage   enums.UpdateWorkflowExecutionLifecycleStage
	outcome *update.Outcome
	// persisted reports whether the history has the update. It never has a rejected one.
	persisted bool
	// outcomeReads counts the reads that returned the outcome.
	outcomeReads int
}

func (s *Service) newCall(ctx context.Context, execution *common.WorkflowExecution, updateID string) *call {
	return &call{
		client: s.upstream, polls: s.polls, options: upstream.CallFrom(ctx),
		ref: &update.UpdateRef{
			WorkflowExecution: &common.WorkflowExecution{WorkflowId: execution.GetWorkflowId(), RunId: execution.GetRunId()},
			UpdateId:          updateID,
		},
	}
}

// awaitStage follows the update until it reaches a stage or the wait ends, which is not
// an error: u has the stage that was reached.
func (s *Service) awaitStage(
	ctx context.Context, req *operation.Request, u *call, wait time.Duration, stage enums.UpdateWorkflowExecutionLifecycleStage,
) error {
	req.ReleaseSlot(ctx) // a wait holds less than a call, and has a slot of its own
	s.metrics.WaitCallers.Inc()
	defer s.metrics.WaitCallers.Dec()
	// The wait ends by cancellation, not by a deadline: the server responds before a
	// deadline that it receives.
	waiting, end := context.WithCancel(ctx)
	defer end()
	timer := time.AfterFunc(wait, end)
	defer timer.Stop()
	stop := s.drain.AfterFunc(end)
	defer stop()
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

// busyError returns the problem of a workflow that was too busy for the update when the
// wait ended between two attempts, or nil if a worker could have accepted it.
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
func (u *call) follow(ctx context.Context, stage enums.UpdateWorkflowExecutionLifecycleStage) error {
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

// slice waits for the next stage, for the duration of one call. Without a response by
// then the stage is unchanged. A shared call may outlast this caller.
func (u *call) slice(ctx context.Context) error {
	var (
		got longpoll.UpdateProgress
		err error
	)
	switch {
	case u.stage >= stageAccepted:
		got, err = u.polls.Updates.Wait(ctx, u.key(stageCompleted), u.options)
	case u.send != nil:
		options := u.options
		options.Timeout = u.polls.SliceTimeout(time.Until(u.until))
		got, err = u.send(upstream.NewContext(ctx, &options))
	default:
		got, err = u.polls.Updates.Wait(ctx, u.key(stageAccepted), u.options)
	}
	switch {
	case err == nil:
		u.apply(got)
	case problem.Is(err, problem.DeadlineExceeded) && ctx.Err() == nil:
		return nil
	}
	return err
}

// A run that closes before it has accepted an update may have a successor, by a reset
// for example, which accepts it. A server that has closed the last run may return the
// same error, so the number of attempts is bounded.
const (
	maxCloseRetries = 4
	closeRetryDelay = 250 * time.Millisecond
)

// sendUpdate returns a function that sends the update, to the current run unless the
// request names one.
func (u *call) sendUpdate(request *workflowservice.UpdateWorkflowExecutionRequest) func(context.Context) (longpoll.UpdateProgress, error) {
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

// key identifies a poll for the update that waits for a stage, or does not wait if the
// stage is unspecified.
func (u *call) key(stage enums.UpdateWorkflowExecutionLifecycleStage) longpoll.UpdateKey {
	run := u.ref.GetWorkflowExecution()
	return longpoll.UpdateKey{WorkflowID: run.GetWorkflowId(), RunID: run.GetRunId(), UpdateID: u.ref.GetUpdateId(), Stage: stage}
}

// poll reads the update. It does not share the call: a response that is already on its
// way may be older than what the caller has seen.
func (u *call) poll(ctx context.Context) (longpoll.UpdateProgress, error) {
	return u.polls.Updates.Poll(ctx, u.key(enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_UNSPECIFIED))
}

// refresh reads the current stage and outcome.
func (u *call) refresh(ctx context.Context) error {
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

// minOutcomeReads is the number of reads that must return a failure. A single one may
// see another caller's copy of a rejected update at the moment of its rejection.
const minOutcomeReads = 2

// confirmOutcome finds out whether the update failed and is in the history, or was
// rejected: the server's responses are the same. What is in the history keeps its
// outcome. A read that returns anything else has found another copy, which was sent
// after ours was rejected.
func (u *call) confirmOutcome(ctx context.Context) error {
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

// apply records the stage, the outcome and the run of the update.
func (u *call) apply(got longpoll.UpdateProgress) {
	if runID := got.GetUpdateRef().GetWorkflowExecution().GetRunId(); runID != "" {
		u.ref.WorkflowExecution.RunId = runID
	}
	u.stage, u.outcome = max(u.stage, got.GetStage()), got.GetOutcome()
	if u.outcome != nil {
		u.stage = stageCompleted
	}
	u.persisted = u.persisted || u.stage == stageAccepted
}

// render returns the state of the update.
func (u *call) render(ctx context.Context) (*openapi.WorkflowUpdate, error) {
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

// withIDs adds the ids to a problem that concerns the update, because a client needs them
// to repeat it. It copies the problem, which equal waits may share.
func (u *call) withIDs(err error) error {
	var e *problem.Error
	if !errors.As(err, &e) || e.Upstream == nil {
		return err
	}
	copied := *e
	copied.Members.WorkflowID, copied.Members.UpdateID = u.ref.GetWorkflowExecution().GetWorkflowId(), u.ref.GetUpdateId()
	return &copied
}
