package temporalfake

import (
	"context"
	"sync"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/status"

	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// RunID is the run id of [Workflow] and of [Update].
const RunID = "0198f3c2-5f0e-7c3a-9d52-3f1f7a2b6c01"

// Workflow is a fake of a running workflow with one run, [RunID]. It serves
// StartWorkflowExecution, DescribeWorkflowExecution and
// GetWorkflowExecutionHistory for any workflow id. Every history poll waits for
// the close event. It is safe for concurrent use.
type Workflow struct {
	closed chan struct{}
	once   sync.Once

	mu       sync.Mutex
	polls    int
	maxPolls int
}

// NewWorkflow registers a fake workflow on up.
func NewWorkflow(up *upstreamtest.Server) *Workflow {
	f := &Workflow{closed: make(chan struct{})}
	up.Handle("StartWorkflowExecution", upstreamtest.Respond(&workflowservice.StartWorkflowExecutionResponse{
		RunId: RunID, Started: true,
	}))
	up.Handle("DescribeWorkflowExecution", upstreamtest.Typed(f.describe))
	up.Handle("GetWorkflowExecutionHistory", upstreamtest.Typed(f.History))
	return f
}

// Complete completes the workflow with the result "done".
func (f *Workflow) Complete() { f.once.Do(func() { close(f.closed) }) }

func (f *Workflow) describe(
	_ context.Context, r *workflowservice.DescribeWorkflowExecutionRequest,
) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	info := &workflow.WorkflowExecutionInfo{
		Execution:  &common.WorkflowExecution{WorkflowId: r.GetExecution().GetWorkflowId(), RunId: RunID},
		FirstRunId: RunID, Status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING,
	}
	select {
	case <-f.closed:
		info.Status, info.HistoryLength = enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, 4
	default:
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: info}, nil
}

// History is the handler of GetWorkflowExecutionHistory.
func (f *Workflow) History(
	ctx context.Context, _ *workflowservice.GetWorkflowExecutionHistoryRequest,
) (*workflowservice.GetWorkflowExecutionHistoryResponse, error) {
	f.addPolls(1)
	defer f.addPolls(-1)
	timer := time.NewTimer(historyPollTime(ctx))
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
		return nil, status.FromContextError(ctx.Err()).Err()
	}
}

func (f *Workflow) addPolls(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.polls += n
	f.maxPolls = max(f.maxPolls, f.polls)
}

// Polls returns the number of open polls, and the maximum that were open at the same time.
func (f *Workflow) Polls() (current, maximum int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.polls, f.maxPolls
}
