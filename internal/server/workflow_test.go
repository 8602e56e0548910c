package server_test

import (
	"context"
	"sync"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

const runID = "0198f3c2-5f0e-7c3a-9d52-3f1f7a2b6c01"

// fakeWorkflow is one workflow on the upstream, which answers for it with the
// server's own timing: a history poll ends a second before its deadline, and
// after 20 s at the latest.
type fakeWorkflow struct {
	closed chan struct{}
	once   sync.Once

	mu          sync.Mutex
	polling     int
	mostPolling int
}

func newFakeWorkflow(up *upstreamtest.Server) *fakeWorkflow {
	f := &fakeWorkflow{closed: make(chan struct{})}
	up.Handle("StartWorkflowExecution", upstreamtest.Respond(&workflowservice.StartWorkflowExecutionResponse{
		RunId: runID, Started: true,
	}))
	up.Handle("DescribeWorkflowExecution", upstreamtest.Typed(f.describe))
	up.Handle("GetWorkflowExecutionHistory", upstreamtest.Typed(f.history))
	return f
}

// close ends the workflow with the result "done".
func (f *fakeWorkflow) close() { f.once.Do(func() { close(f.closed) }) }

func (f *fakeWorkflow) describe(
	_ context.Context, r *workflowservice.DescribeWorkflowExecutionRequest,
) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	info := &workflow.WorkflowExecutionInfo{
		Execution:  &common.WorkflowExecution{WorkflowId: r.GetExecution().GetWorkflowId(), RunId: runID},
		FirstRunId: runID, Status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING,
	}
	select {
	case <-f.closed:
		info.Status, info.HistoryLength = enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, 4
	default:
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: info}, nil
}

func (f *fakeWorkflow) history(
	ctx context.Context, _ *workflowservice.GetWorkflowExecutionHistoryRequest,
) (*workflowservice.GetWorkflowExecutionHistoryResponse, error) {
	f.enter(1)
	defer f.enter(-1)
	const longPoll = 20 * time.Second
	wait := longPoll
	if deadline, ok := ctx.Deadline(); ok {
		wait = min(longPoll, time.Until(deadline)-time.Second)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-f.closed:
		return &workflowservice.GetWorkflowExecutionHistoryResponse{History: &history.History{Events: []*history.HistoryEvent{{
			EventId: 4, TaskId: 1000,
			EventType: enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
			Attributes: &history.HistoryEvent_WorkflowExecutionCompletedEventAttributes{
				WorkflowExecutionCompletedEventAttributes: &history.WorkflowExecutionCompletedEventAttributes{
					Result: &common.Payloads{Payloads: []*common.Payload{{
						Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(`"done"`),
					}}},
				},
			},
		}}}}, nil
	case <-timer.C:
		return &workflowservice.GetWorkflowExecutionHistoryResponse{History: &history.History{}, NextPageToken: []byte("token")}, nil
	case <-ctx.Done():
		return nil, status.Error(codes.Canceled, "the caller left")
	}
}

func (f *fakeWorkflow) enter(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.polling += n
	f.mostPolling = max(f.mostPolling, f.polling)
}

// polls gives how many polls are open, and how many were at once at most.
func (f *fakeWorkflow) polls() (now, most int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.polling, f.mostPolling
}
