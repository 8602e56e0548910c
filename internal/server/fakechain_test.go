package server_test

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

// fakeChain is a workflow whose history grows as the test says, run after run.
// It answers with the server's own timing and paging.
type fakeChain struct {
	mu      sync.Mutex
	runs    []*fakeRun
	changed chan struct{} // closed at the next change
	polls   int           // that wait now
}

type fakeRun struct {
	id        string
	events    []*history.HistoryEvent
	transient []*history.HistoryEvent // shown, and not there to stay
	status    enums.WorkflowExecutionStatus
}

func newFakeChain(up *upstreamtest.Server) *fakeChain {
	c := &fakeChain{changed: make(chan struct{})}
	c.begin()
	up.Handle("DescribeWorkflowExecution", upstreamtest.Typed(c.describe))
	up.Handle("GetWorkflowExecutionHistory", upstreamtest.Typed(c.history))
	return c
}

// chainRun is the id of the nth run, from 1 on.
func chainRun(n int) string { return fmt.Sprintf("0198f3c2-5f0e-7c3a-9d52-%012d", n) }

func (c *fakeChain) change(change func(current *fakeRun)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(c.runs[len(c.runs)-1])
	close(c.changed)
	c.changed = make(chan struct{})
}

// begin needs no lock before the chain is shared, and has it after.
func (c *fakeChain) begin() {
	run := &fakeRun{id: chainRun(len(c.runs) + 1), status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING}
	c.runs = append(c.runs, run)
	run.add(enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED)
}

func (r *fakeRun) add(kind enums.EventType) *history.HistoryEvent {
	event := &history.HistoryEvent{EventId: int64(len(r.events) + 1), TaskId: 1000, EventType: kind}
	r.events, r.transient = append(r.events, event), nil
	return event
}

// signal adds n events.
func (c *fakeChain) signal(n int) {
	c.change(func(r *fakeRun) {
		for range n {
			r.add(enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED)
		}
	})
}

// task shows a workflow task that is not there to stay.
func (c *fakeChain) task() {
	c.change(func(r *fakeRun) {
		for i, kind := range []enums.EventType{enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, enums.EVENT_TYPE_WORKFLOW_TASK_STARTED} {
			r.transient = append(r.transient, &history.HistoryEvent{EventId: int64(len(r.events) + 1 + i), EventType: kind})
		}
	})
}

// continueAsNew closes the run, and begins the next.
func (c *fakeChain) continueAsNew() {
	c.change(func(r *fakeRun) {
		r.status = enums.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW
		r.add(enums.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW).Attributes = &history.HistoryEvent_WorkflowExecutionContinuedAsNewEventAttributes{
			WorkflowExecutionContinuedAsNewEventAttributes: &history.WorkflowExecutionContinuedAsNewEventAttributes{
				NewExecutionRunId: chainRun(len(c.runs) + 1),
			},
		}
		c.begin()
	})
}

func (c *fakeChain) terminate() {
	c.change(func(r *fakeRun) {
		r.status = enums.WORKFLOW_EXECUTION_STATUS_TERMINATED
		r.add(enums.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED).Attributes = &history.HistoryEvent_WorkflowExecutionTerminatedEventAttributes{
			WorkflowExecutionTerminatedEventAttributes: &history.WorkflowExecutionTerminatedEventAttributes{},
		}
	})
}

// pause has the run paused, or go on.
func (c *fakeChain) pause(paused bool) {
	c.change(func(r *fakeRun) {
		r.status = enums.WORKFLOW_EXECUTION_STATUS_RUNNING
		kind := enums.EVENT_TYPE_WORKFLOW_EXECUTION_UNPAUSED
		if paused {
			r.status, kind = enums.WORKFLOW_EXECUTION_STATUS_PAUSED, enums.EVENT_TYPE_WORKFLOW_EXECUTION_PAUSED
		}
		r.add(kind)
	})
}

// ids are those of all events, as a stream has them.
func (c *fakeChain) ids() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ids []string
	for _, run := range c.runs {
		for _, event := range run.events {
			ids = append(ids, fmt.Sprintf("%s/%d", run.id, event.GetEventId()))
		}
	}
	return ids
}

// waiting tells how many polls are open.
func (c *fakeChain) waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.polls
}

// run finds a run; the lock is held.
func (c *fakeChain) run(execution *common.WorkflowExecution) (*fakeRun, error) {
	if execution.GetWorkflowId() == "order" && execution.GetRunId() == "" {
		return c.runs[len(c.runs)-1], nil
	}
	for _, run := range c.runs {
		if execution.GetWorkflowId() == "order" && run.id == execution.GetRunId() {
			return run, nil
		}
	}
	return nil, status.Error(codes.NotFound, "workflow not found for ID: "+execution.GetWorkflowId())
}

func (c *fakeChain) describe(
	_ context.Context, q *workflowservice.DescribeWorkflowExecutionRequest,
) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	run, err := c.run(q.GetExecution())
	if err != nil {
		return nil, err
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{
		Execution: &common.WorkflowExecution{WorkflowId: "order", RunId: run.id}, FirstRunId: chainRun(1),
		Status: run.status, HistoryLength: int64(len(run.events)),
	}}, nil
}

func (c *fakeChain) history(
	ctx context.Context, q *workflowservice.GetWorkflowExecutionHistoryRequest,
) (*workflowservice.GetWorkflowExecutionHistoryResponse, error) {
	wait := 20 * time.Second
	if deadline, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(deadline)-time.Second)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		c.mu.Lock()
		run, err := c.run(q.GetExecution())
		page, changed := (*workflowservice.GetWorkflowExecutionHistoryResponse)(nil), c.changed
		if err == nil {
			page = run.page(q)
		}
		c.mu.Unlock()
		if err != nil || len(page.GetHistory().GetEvents()) > 0 || len(page.GetNextPageToken()) == 0 {
			return page, err
		}
		c.poll(1)
		select {
		case <-changed:
			c.poll(-1)
		case <-timer.C:
			c.poll(-1)
			return page, nil
		case <-ctx.Done():
			c.poll(-1)
			return nil, status.FromContextError(ctx.Err()).Err()
		}
	}
}

func (c *fakeChain) poll(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.polls += n
}

// page is what there is after a token, which says how much was read.
func (r *fakeRun) page(q *workflowservice.GetWorkflowExecutionHistoryRequest) *workflowservice.GetWorkflowExecutionHistoryResponse {
	from, _ := strconv.Atoi(string(q.GetNextPageToken()))
	to := min(from+int(q.GetMaximumPageSize()), len(r.events))
	running := r.status == enums.WORKFLOW_EXECUTION_STATUS_RUNNING
	if q.GetHistoryEventFilterType() == enums.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT {
		from, to = len(r.events)-1, len(r.events)
		if running {
			from = to
		}
	}
	page := &workflowservice.GetWorkflowExecutionHistoryResponse{History: &history.History{}}
	page.History.Events = append(page.History.Events, r.events[from:to]...)
	if to == len(r.events) && from < to && running {
		page.History.Events = append(page.History.Events, r.transient...)
	}
	if to < len(r.events) || running {
		page.NextPageToken = []byte(strconv.Itoa(to))
	}
	return page
}
