package longpoll

import (
	"context"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/upstream"
)

// Activities lets callers wait until an activity without a workflow has closed. Equal waits
// share a poll.
type Activities struct {
	client     *upstream.Client
	maxTimeout time.Duration
	group      *Group[ActivityKey, activityState]
}

// ActivityKey identifies a run of an activity without a workflow.
type ActivityKey struct{ ActivityID, RunID string }

// ActivityDescription is the state of an activity, with its outcome if it has closed.
type ActivityDescription = workflowservice.DescribeActivityExecutionResponse

type activityState struct {
	closed *ActivityDescription
	err    error
}

func newActivities(base context.Context, client *upstream.Client, metrics *telemetry.Metrics, maxTimeout time.Duration) *Activities {
	a := &Activities{client: client, maxTimeout: maxTimeout}
	a.group = NewGroup(base, client, &metrics.WaitPolls, &metrics.WaitCallers, a.run)
	return a
}

// Wait waits until the activity has closed. If ctx ends first, the error is that of ctx. If
// the base context of [New] ends, the error is [context.Canceled].
func (a *Activities) Wait(ctx context.Context, key ActivityKey, call upstream.CallOptions) (*ActivityDescription, error) {
	call.Timeout = a.maxTimeout
	p := a.group.Join(ctx, key, call, activityState{}, func(*activityState) bool { return true })
	defer p.Leave()
	select {
	case <-p.Done():
		state := p.State()
		return state.closed, state.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (a *Activities) run(ctx context.Context, p *Poll[ActivityKey, activityState]) func(*activityState) {
	closed, err := a.poll(ctx, p.Key)
	return func(state *activityState) { state.closed, state.err = closed, err }
}

// poll polls until the activity has closed. The response to a poll has no status, so poll
// describes the closed activity. If nothing happens, the server responds to a poll after 20 s
// without an outcome.
func (a *Activities) poll(ctx context.Context, key ActivityKey) (*ActivityDescription, error) {
	for {
		begin := time.Now()
		response := &workflowservice.PollActivityExecutionResponse{}
		err := a.client.Do(ctx, workflowservice.WorkflowService_PollActivityExecution_FullMethodName, &workflowservice.PollActivityExecutionRequest{
			Namespace: upstream.OptionsFrom(ctx).Namespace, ActivityId: key.ActivityID, RunId: key.RunID,
		}, response)
		switch {
		case err != nil && !problem.Is(err, problem.DeadlineExceeded):
			return nil, err
		case response.GetOutcome() != nil:
			return DescribeActivity(ctx, a.client, key)
		}
		if err := WaitPollInterval(ctx, begin); err != nil {
			return nil, err
		}
	}
}

// DescribeActivity returns the state of an activity without a workflow, with its outcome.
func DescribeActivity(ctx context.Context, client *upstream.Client, key ActivityKey) (*ActivityDescription, error) {
	response := &ActivityDescription{}
	err := client.Do(ctx, workflowservice.WorkflowService_DescribeActivityExecution_FullMethodName, &workflowservice.DescribeActivityExecutionRequest{
		Namespace: upstream.OptionsFrom(ctx).Namespace, ActivityId: key.ActivityID, RunId: key.RunID, IncludeOutcome: true,
	}, response)
	return response, err
}
