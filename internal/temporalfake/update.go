package temporalfake

import (
	"context"
	"sync"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/failure/v1"
	"go.temporal.io/api/update/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// The stages of an update, in order.
const (
	Admitted  = enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ADMITTED
	Accepted  = enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ACCEPTED
	Completed = enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED
)

// Update is a fake of a workflow with exactly one update. It serves
// UpdateWorkflowExecution, PollWorkflowExecutionUpdate and
// ExecuteMultiOperation for any workflow id. It is safe for concurrent use.
type Update struct {
	mu       sync.Mutex
	sent     bool
	stage    enums.UpdateWorkflowExecutionLifecycleStage
	outcome  *update.Outcome
	rejected bool
	changed  chan struct{}
	polls    int
}

// NewUpdate registers a fake update on up. Polls do not find it until it has been sent; it then has the stage ADMITTED.
func NewUpdate(up *upstreamtest.Server) *Update {
	f := &Update{stage: Admitted, changed: make(chan struct{})}
	up.Handle("UpdateWorkflowExecution", upstreamtest.Typed(f.UpdateWorkflow))
	up.Handle("PollWorkflowExecutionUpdate", upstreamtest.Typed(f.PollUpdate))
	up.Handle("ExecuteMultiOperation", upstreamtest.Typed(f.UpdateWithStart))
	return f
}

// SetState moves the update to a stage and wakes the waiting calls. If rejected is true, later
// polls do not find the update.
func (f *Update) SetState(stage enums.UpdateWorkflowExecutionLifecycleStage, outcome *update.Outcome, rejected bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stage, f.outcome, f.rejected = stage, outcome, rejected
	close(f.changed)
	f.changed = make(chan struct{})
}

// MarkSent makes polls find the update as if it had been sent.
func (f *Update) MarkSent() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = true
}

// Accept moves the update to ACCEPTED.
func (f *Update) Accept() { f.SetState(Accepted, nil, false) }

// Complete completes the update with a result in JSON.
func (f *Update) Complete(data string) {
	f.SetState(Completed, &update.Outcome{Value: &update.Outcome_Success{Success: &common.Payloads{Payloads: []*common.Payload{{
		Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(data),
	}}}}}, false)
}

// Fail completes the update with a failure of type "Broken". If rejected is true, the
// failure is that of a validator that rejected the update. The outcome is the same.
func (f *Update) Fail(message string, rejected bool) {
	f.SetState(Completed, &update.Outcome{Value: &update.Outcome_Failure{Failure: &failure.Failure{
		Message:     message,
		FailureInfo: &failure.Failure_ApplicationFailureInfo{ApplicationFailureInfo: &failure.ApplicationFailureInfo{Type: "Broken"}},
	}}}, rejected)
}

// Polls returns the number of waiting calls.
func (f *Update) Polls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.polls
}

// waitForStage waits until the update has reached a stage, at most for LongPoll. It returns
// the stage that the update has reached then.
func (f *Update) waitForStage(ctx context.Context, stage enums.UpdateWorkflowExecutionLifecycleStage) (
	enums.UpdateWorkflowExecutionLifecycleStage, *update.Outcome, error,
) {
	timer := time.NewTimer(LongPoll)
	defer timer.Stop()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.polls++
	defer func() { f.polls-- }()
	for f.stage < stage {
		changed := f.changed
		f.mu.Unlock()
		select {
		case <-changed:
			f.mu.Lock()
		case <-timer.C:
			f.mu.Lock()
			return f.stage, f.outcome, nil
		case <-ctx.Done():
			f.mu.Lock()
			return 0, nil, status.FromContextError(ctx.Err()).Err()
		}
	}
	return f.stage, f.outcome, nil
}

// UpdateWorkflow is the handler of UpdateWorkflowExecution.
func (f *Update) UpdateWorkflow(
	ctx context.Context, r *workflowservice.UpdateWorkflowExecutionRequest,
) (*workflowservice.UpdateWorkflowExecutionResponse, error) {
	f.MarkSent()
	stage, outcome, err := f.waitForStage(ctx, r.GetWaitPolicy().GetLifecycleStage())
	if err != nil {
		return nil, err
	}
	return &workflowservice.UpdateWorkflowExecutionResponse{
		UpdateRef: updateRef(r.GetWorkflowExecution(), r.GetRequest().GetMeta().GetUpdateId()), Stage: stage, Outcome: outcome,
	}, nil
}

// PollUpdate is the handler of PollWorkflowExecutionUpdate.
func (f *Update) PollUpdate(
	ctx context.Context, r *workflowservice.PollWorkflowExecutionUpdateRequest,
) (*workflowservice.PollWorkflowExecutionUpdateResponse, error) {
	f.mu.Lock()
	found := f.sent && !f.rejected
	f.mu.Unlock()
	if !found {
		return nil, status.Errorf(codes.NotFound, "update %q not found", r.GetUpdateRef().GetUpdateId())
	}
	stage, outcome, err := f.waitForStage(ctx, r.GetWaitPolicy().GetLifecycleStage())
	if err != nil {
		return nil, err
	}
	return &workflowservice.PollWorkflowExecutionUpdateResponse{
		UpdateRef: updateRef(r.GetUpdateRef().GetWorkflowExecution(), r.GetUpdateRef().GetUpdateId()), Stage: stage, Outcome: outcome,
	}, nil
}

// UpdateWithStart is the handler of ExecuteMultiOperation. The first call starts
// the workflow.
func (f *Update) UpdateWithStart(
	ctx context.Context, r *workflowservice.ExecuteMultiOperationRequest,
) (*workflowservice.ExecuteMultiOperationResponse, error) {
	f.mu.Lock()
	first := !f.sent
	f.mu.Unlock()
	updated, err := f.UpdateWorkflow(ctx, r.GetOperations()[1].GetUpdateWorkflow())
	if err != nil {
		return nil, err
	}
	return &workflowservice.ExecuteMultiOperationResponse{Responses: []*workflowservice.ExecuteMultiOperationResponse_Response{
		{Response: &workflowservice.ExecuteMultiOperationResponse_Response_StartWorkflow{
			StartWorkflow: &workflowservice.StartWorkflowExecutionResponse{RunId: RunID, Started: first},
		}},
		{Response: &workflowservice.ExecuteMultiOperationResponse_Response_UpdateWorkflow{UpdateWorkflow: updated}},
	}}, nil
}

// updateRef returns the reference to an update of the run [RunID].
func updateRef(execution *common.WorkflowExecution, id string) *update.UpdateRef {
	return &update.UpdateRef{
		WorkflowExecution: &common.WorkflowExecution{WorkflowId: execution.GetWorkflowId(), RunId: RunID}, UpdateId: id,
	}
}
