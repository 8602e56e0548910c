package temporalfake

import (
	"context"
	"fmt"
	"strconv"
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

// RunChain is a fake of the workflow "order", which may have several runs that follow each
// other. It starts with one run that has one event. The test adds events and runs; the
// fake serves DescribeWorkflowExecution and GetWorkflowExecutionHistory. It is safe for
// concurrent use.
type RunChain struct {
	mu      sync.Mutex
	runs    []*Run
	changed chan struct{} // closed at the next change
	polls   int           // number of open polls
}

// Run is one run of a [RunChain].
type Run struct {
	id        string
	Events    []*history.HistoryEvent
	transient []*history.HistoryEvent // returned, but not persisted
	Status    enums.WorkflowExecutionStatus
}

// NewRunChain registers a chain on up.
func NewRunChain(up *upstreamtest.Server) *RunChain {
	c := &RunChain{changed: make(chan struct{})}
	c.startRun()
	up.Handle("DescribeWorkflowExecution", upstreamtest.Typed(c.Describe))
	up.Handle("GetWorkflowExecutionHistory", upstreamtest.Typed(c.History))
	return c
}

// workflowID is the id of a chain's workflow.
const workflowID = "order"

// ChainRunID returns the id of the nth run of a chain. The first run has the number 1.
func ChainRunID(n int) string { return fmt.Sprintf("0198f3c2-5f0e-7c3a-9d52-%012d", n) }

// Change calls change with the current run, under the lock, and wakes the open polls.
func (c *RunChain) Change(change func(current *Run)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(c.runs[len(c.runs)-1])
	close(c.changed)
	c.changed = make(chan struct{})
}

// startRun adds a run with a started event. The lock must be held, unless the chain is not shared yet.
func (c *RunChain) startRun() {
	run := &Run{id: ChainRunID(len(c.runs) + 1), Status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING}
	c.runs = append(c.runs, run)
	run.AddEvent(enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED)
}

// AddEvent adds a persisted event and returns it, so that the test can set its
// attributes. It removes the transient events. Call it inside [RunChain.Change].
func (r *Run) AddEvent(kind enums.EventType) *history.HistoryEvent {
	event := &history.HistoryEvent{EventId: int64(len(r.Events) + 1), TaskId: 1000, EventType: kind}
	r.Events, r.transient = append(r.Events, event), nil
	return event
}

// Signal adds n events of type SIGNALED.
func (c *RunChain) Signal(n int) {
	c.Change(func(r *Run) {
		for range n {
			r.AddEvent(enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED)
		}
	})
}

// StartTask adds the two events of a started workflow task. They are transient: the
// server returns them, but may later persist other events with the same ids.
func (c *RunChain) StartTask() {
	c.Change(func(r *Run) {
		for i, kind := range []enums.EventType{enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, enums.EVENT_TYPE_WORKFLOW_TASK_STARTED} {
			r.transient = append(r.transient, &history.HistoryEvent{EventId: int64(len(r.Events) + 1 + i), EventType: kind})
		}
	})
}

// ContinueAsNew closes the current run and starts the next one.
func (c *RunChain) ContinueAsNew() {
	c.Change(func(r *Run) {
		r.Status = enums.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW
		r.AddEvent(enums.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW).Attributes = &history.HistoryEvent_WorkflowExecutionContinuedAsNewEventAttributes{
			WorkflowExecutionContinuedAsNewEventAttributes: &history.WorkflowExecutionContinuedAsNewEventAttributes{
				NewExecutionRunId: ChainRunID(len(c.runs) + 1),
			},
		}
		c.startRun()
	})
}

// Terminate terminates the current run.
func (c *RunChain) Terminate() {
	c.Change(func(r *Run) {
		r.Status = enums.WORKFLOW_EXECUTION_STATUS_TERMINATED
		r.AddEvent(enums.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED).Attributes = &history.HistoryEvent_WorkflowExecutionTerminatedEventAttributes{
			WorkflowExecutionTerminatedEventAttributes: &history.WorkflowExecutionTerminatedEventAttributes{},
		}
	})
}

// SetPaused pauses or unpauses the current run.
func (c *RunChain) SetPaused(paused bool) {
	c.Change(func(r *Run) {
		r.Status = enums.WORKFLOW_EXECUTION_STATUS_RUNNING
		kind := enums.EVENT_TYPE_WORKFLOW_EXECUTION_UNPAUSED
		if paused {
			r.Status, kind = enums.WORKFLOW_EXECUTION_STATUS_PAUSED, enums.EVENT_TYPE_WORKFLOW_EXECUTION_PAUSED
		}
		r.AddEvent(kind)
	})
}

// EventIDs returns the ids of all persisted events in the format of the gateway's event
// streams: the run id, a slash, the event id.
func (c *RunChain) EventIDs() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ids []string
	for _, run := range c.runs {
		for _, event := range run.Events {
			ids = append(ids, fmt.Sprintf("%s/%d", run.id, event.GetEventId()))
		}
	}
	return ids
}

// Polls returns the number of open polls.
func (c *RunChain) Polls() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.polls
}

// findRun returns the run with the id in execution, or the current run if the id is empty.
// The caller must hold the lock.
func (c *RunChain) findRun(execution *common.WorkflowExecution) (*Run, error) {
	if execution.GetWorkflowId() == workflowID && execution.GetRunId() == "" {
		return c.runs[len(c.runs)-1], nil
	}
	for _, run := range c.runs {
		if execution.GetWorkflowId() == workflowID && run.id == execution.GetRunId() {
			return run, nil
		}
	}
	return nil, status.Error(codes.NotFound, "workflow not found for ID: "+execution.GetWorkflowId())
}

// Describe is the handler of DescribeWorkflowExecution.
func (c *RunChain) Describe(
	_ context.Context, q *workflowservice.DescribeWorkflowExecutionRequest,
) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	run, err := c.findRun(q.GetExecution())
	if err != nil {
		return nil, err
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{
		Execution: &common.WorkflowExecution{WorkflowId: workflowID, RunId: run.id}, FirstRunId: ChainRunID(1),
		Status: run.Status, HistoryLength: int64(len(run.Events)),
	}}, nil
}

// History is the handler of GetWorkflowExecutionHistory.
func (c *RunChain) History(
	ctx context.Context, q *workflowservice.GetWorkflowExecutionHistoryRequest,
) (*workflowservice.GetWorkflowExecutionHistoryResponse, error) {
	timer := time.NewTimer(historyPollTime(ctx))
	defer timer.Stop()
	for {
		c.mu.Lock()
		run, err := c.findRun(q.GetExecution())
		page, changed := (*workflowservice.GetWorkflowExecutionHistoryResponse)(nil), c.changed
		if err == nil {
			page = run.page(q)
		}
		c.mu.Unlock()
		if err != nil || !waits(q) || len(page.GetHistory().GetEvents()) > 0 || len(page.GetNextPageToken()) == 0 {
			return page, err
		}
		c.addPolls(1)
		select {
		case <-changed:
			c.addPolls(-1)
		case <-timer.C:
			c.addPolls(-1)
			return page, nil
		case <-ctx.Done():
			c.addPolls(-1)
			return nil, status.FromContextError(ctx.Err()).Err()
		}
	}
}

// waits reports whether the server waits for events if there are none. With the filter for
// the close event, it waits even without WaitNewEvent.
func waits(q *workflowservice.GetWorkflowExecutionHistoryRequest) bool {
	return q.GetWaitNewEvent() || q.GetHistoryEventFilterType() == enums.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT
}

func (c *RunChain) addPolls(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.polls += n
}

// page returns the events after the page token. The token is the number of events that
// previous pages contained.
func (r *Run) page(q *workflowservice.GetWorkflowExecutionHistoryRequest) *workflowservice.GetWorkflowExecutionHistoryResponse {
	from, _ := strconv.Atoi(string(q.GetNextPageToken()))
	to := min(from+int(q.GetMaximumPageSize()), len(r.Events))
	running := r.Status == enums.WORKFLOW_EXECUTION_STATUS_RUNNING
	// With the filter for the close event, the server returns the last event of a run that is not running, even of a paused
	// run, whose last event is not a close event.
	if q.GetHistoryEventFilterType() == enums.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT {
		from, to = len(r.Events)-1, len(r.Events)
		if running {
			from = to
		}
	}
	page := &workflowservice.GetWorkflowExecutionHistoryResponse{History: &history.History{}}
	page.History.Events = append(page.History.Events, r.Events[from:to]...)
	if to == len(r.Events) && from < to && running {
		page.History.Events = append(page.History.Events, r.transient...)
	}
	if to < len(r.Events) || running && waits(q) {
		page.NextPageToken = []byte(strconv.Itoa(to))
	}
	return page
}
