package longpoll

import (
	"context"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/update/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/upstream"
)

// Updates are the waits for the progress of an update.
type Updates struct {
	client  *upstream.Client
	longest time.Duration
	group   *Group[UpdateKey, updateState]
}

// UpdateKey is an update and the stage that a caller waits for; unspecified
// waits for none.
type UpdateKey struct {
	WorkflowID, RunID, UpdateID string
	Stage                       enums.UpdateWorkflowExecutionLifecycleStage
}

// UpdateProgress is the state of an update, as in the response of each of the
// RPCs about updates.
type UpdateProgress interface {
	GetUpdateRef() *update.UpdateRef
	GetStage() enums.UpdateWorkflowExecutionLifecycleStage
	GetOutcome() *update.Outcome
}

type updateState struct {
	progress UpdateProgress
	err      error
}

// The gauge of callers is not theirs: a caller that waits for an update counts
// while it sends the update too, and between two polls.
func newUpdates(base context.Context, client *upstream.Client, metrics *telemetry.Metrics, longest time.Duration) *Updates {
	u := &Updates{client: client, longest: longest}
	u.group = NewGroup(base, client, &metrics.WaitPolls, nil, u.run)
	return u
}

// Wait makes one upstream poll, shared with all who wait for the same. The poll
// may take longer than ctx lasts; then the error is that of ctx. A poll that
// ends without news has the problem [problem.DeadlineExceeded].
func (u *Updates) Wait(ctx context.Context, key UpdateKey, call upstream.CallOptions) (UpdateProgress, error) {
	call.Timeout = u.longest
	p := u.group.Join(ctx, key, call, updateState{}, func(*updateState) bool { return true })
	defer p.Leave()
	select {
	case <-p.Done():
		state := p.State()
		return state.progress, state.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (u *Updates) run(ctx context.Context, p *Poll[UpdateKey, updateState]) func(*updateState) {
	progress, err := u.Poll(ctx, p.Key)
	return func(state *updateState) { state.progress, state.err = progress, err }
}

// Poll asks for the progress of an update, and waits for the stage if there is
// one. It shares nothing: a response that is already on its way to others may be
// older than what the caller knows.
func (u *Updates) Poll(ctx context.Context, key UpdateKey) (UpdateProgress, error) {
	response := &workflowservice.PollWorkflowExecutionUpdateResponse{}
	err := u.client.Do(ctx, workflowservice.WorkflowService_PollWorkflowExecutionUpdate_FullMethodName,
		&workflowservice.PollWorkflowExecutionUpdateRequest{
			Namespace: upstream.CallFrom(ctx).Namespace,
			UpdateRef: &update.UpdateRef{
				WorkflowExecution: &common.WorkflowExecution{WorkflowId: key.WorkflowID, RunId: key.RunID}, UpdateId: key.UpdateID,
			},
			WaitPolicy: &update.WaitPolicy{LifecycleStage: key.Stage},
		}, response)
	return response, err
}
