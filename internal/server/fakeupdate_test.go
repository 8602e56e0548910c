package server_test

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

const (
	admitted  = enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ADMITTED
	accepted  = enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ACCEPTED
	completed = enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED
)

// fakeUpdate is the one update of a workflow, which the upstream tells of as the
// server does: a wait ends after 20 s with the stage reached, and a caller whose
// deadline comes first gets DEADLINE_EXCEEDED. A rejected update is told to those
// who wait, and then forgotten.
type fakeUpdate struct {
	mu       sync.Mutex
	sent     bool
	stage    enums.UpdateWorkflowExecutionLifecycleStage
	outcome  *update.Outcome
	rejected bool
	changed  chan struct{}
	waiting  int
}

func newFakeUpdate(up *upstreamtest.Server) *fakeUpdate {
	f := &fakeUpdate{stage: admitted, changed: make(chan struct{})}
	up.Handle("UpdateWorkflowExecution", upstreamtest.Typed(f.update))
	up.Handle("PollWorkflowExecutionUpdate", upstreamtest.Typed(f.poll))
	up.Handle("ExecuteMultiOperation", upstreamtest.Typed(f.withStart))
	return f
}

func (f *fakeUpdate) come(stage enums.UpdateWorkflowExecutionLifecycleStage, outcome *update.Outcome, rejected bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stage, f.outcome, f.rejected = stage, outcome, rejected
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fakeUpdate) accept() { f.come(accepted, nil, false) }

func (f *fakeUpdate) complete(data string) {
	f.come(completed, &update.Outcome{Value: &update.Outcome_Success{Success: &common.Payloads{Payloads: []*common.Payload{{
		Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(data),
	}}}}}, false)
}

func (f *fakeUpdate) fail(message string, rejected bool) {
	f.come(completed, &update.Outcome{Value: &update.Outcome_Failure{Failure: &failure.Failure{
		Message:     message,
		FailureInfo: &failure.Failure_ApplicationFailureInfo{ApplicationFailureInfo: &failure.ApplicationFailureInfo{Type: "Broken"}},
	}}}, rejected)
}

func (f *fakeUpdate) waiters() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.waiting
}

// reach waits for a stage.
func (f *fakeUpdate) reach(ctx context.Context, stage enums.UpdateWorkflowExecutionLifecycleStage) (
	enums.UpdateWorkflowExecutionLifecycleStage, *update.Outcome, error,
) {
	const longPoll = 20 * time.Second
	timer := time.NewTimer(longPoll)
	defer timer.Stop()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting++
	defer func() { f.waiting-- }()
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

func (f *fakeUpdate) update(
	ctx context.Context, r *workflowservice.UpdateWorkflowExecutionRequest,
) (*workflowservice.UpdateWorkflowExecutionResponse, error) {
	f.mu.Lock()
	f.sent = true
	f.mu.Unlock()
	stage, outcome, err := f.reach(ctx, r.GetWaitPolicy().GetLifecycleStage())
	if err != nil {
		return nil, err
	}
	return &workflowservice.UpdateWorkflowExecutionResponse{
		UpdateRef: refOf(r.GetWorkflowExecution(), r.GetRequest().GetMeta().GetUpdateId()), Stage: stage, Outcome: outcome,
	}, nil
}

func (f *fakeUpdate) poll(
	ctx context.Context, r *workflowservice.PollWorkflowExecutionUpdateRequest,
) (*workflowservice.PollWorkflowExecutionUpdateResponse, error) {
	f.mu.Lock()
	found := f.sent && !f.rejected
	f.mu.Unlock()
	if !found {
		return nil, status.Errorf(codes.NotFound, "update %q not found", r.GetUpdateRef().GetUpdateId())
	}
	stage, outcome, err := f.reach(ctx, r.GetWaitPolicy().GetLifecycleStage())
	if err != nil {
		return nil, err
	}
	return &workflowservice.PollWorkflowExecutionUpdateResponse{
		UpdateRef: refOf(r.GetUpdateRef().GetWorkflowExecution(), r.GetUpdateRef().GetUpdateId()), Stage: stage, Outcome: outcome,
	}, nil
}

// withStart starts the workflow with its first call.
func (f *fakeUpdate) withStart(
	ctx context.Context, r *workflowservice.ExecuteMultiOperationRequest,
) (*workflowservice.ExecuteMultiOperationResponse, error) {
	f.mu.Lock()
	first := !f.sent
	f.mu.Unlock()
	updated, err := f.update(ctx, r.GetOperations()[1].GetUpdateWorkflow())
	if err != nil {
		return nil, err
	}
	return &workflowservice.ExecuteMultiOperationResponse{Responses: []*workflowservice.ExecuteMultiOperationResponse_Response{
		{Response: &workflowservice.ExecuteMultiOperationResponse_Response_StartWorkflow{
			StartWorkflow: &workflowservice.StartWorkflowExecutionResponse{RunId: runID, Started: first},
		}},
		{Response: &workflowservice.ExecuteMultiOperationResponse_Response_UpdateWorkflow{UpdateWorkflow: updated}},
	}}, nil
}

func refOf(execution *common.WorkflowExecution, id string) *update.UpdateRef {
	return &update.UpdateRef{
		WorkflowExecution: &common.WorkflowExecution{WorkflowId: execution.GetWorkflowId(), RunId: runID}, UpdateId: id,
	}
}
