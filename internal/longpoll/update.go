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

// Updates lets callers wait for the progress of an update. Equal waits share a poll.
type Updates struct {
	client     *upstream.Client
	maxTimeout time.Duration
	group      *Group[UpdateKey, updateState]
}

// UpdateKey identifies an update and the stage that a caller waits for. With an
// unspecified stage, the poll does not wait.
type UpdateKey struct {
	WorkflowID, RunID, UpdateID string
	Stage                       enums.UpdateWorkflowExecutionLifecycleStage
}

// UpdateProgress is the state of an update. The responses of all RPCs for updates
// implement it.
type UpdateProgress interface {
	GetUpdateRef() *update.UpdateRef
	GetStage() enums.UpdateWorkflowExecutionLifecycleStage
	GetOutcome() *update.Outcome
}

type updateState struct {
	progress UpdateProgress
	err      error
}

// newUpdates passes no gauge of callers to the group: the client API counts them
// itself, because it also counts the callers that send an update or are between two
// polls.
func newUpdates(base context.Context, client *upstream.Client, metrics *telemetry.Metrics, maxTimeout time.Duration) *Updates {
	u := &Updates{client: client, maxTimeout: maxTimeout}
	u.group = NewGroup(base, client, &metrics.WaitPolls, nil, u.run)
	return u
}

// Wait makes one upstream poll, or joins the equal one in flight. If ctx ends
// first, the error is that of ctx. If the poll ends before the update has reached
// the stage, the error is [problem.DeadlineExceeded].
func (u *Updates) Wait(ctx context.Context, key UpdateKey, call upstream.CallOptions) (UpdateProgress, error) {
	call.Timeout = u.maxTimeout // not the timeout of this caller: the poll also serves callers that wait longer
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

// run runs one shared poll for the group.
func (u *Updates) run(ctx context.Context, p *Poll[UpdateKey, updateState]) func(*updateState) {
	progress, err := u.Poll(ctx, p.Key)
	return func(state *updateState) { state.progress, state.err = progress, err }
}

// Poll reads the progress of an update, and waits for the stage in key if one is
// specified. It always makes its own call: the response of a shared poll may be older
// than what the caller already knows.
func (u *Updates) Poll(ctx context.Context, key UpdateKey) (UpdateProgress, error) {
	response := &workflowservice.PollWorkflowExecutionUpdateResponse{}
	err := u.client.Do(ctx, workflowservice.WorkflowService_PollWorkflowExecutionUpdate_FullMethodName,
		&workflowservice.PollWorkflowExecutionUpdateRequest{
			Namespace: upstream.OptionsFrom(ctx).Namespace,
			UpdateRef: &update.UpdateRef{
				WorkflowExecution: &common.WorkflowExecution{WorkflowId: key.WorkflowID, RunId: key.RunID}, UpdateId: key.UpdateID,
			},
			WaitPolicy: &update.WaitPolicy{LifecycleStage: key.Stage},
		}, response)
	return response, err
}
