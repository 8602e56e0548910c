package operation

import (
	"context"
	"errors"
	"net/url"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflow/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/problem"
)

// Handle is how a request names a workflow, as the handles of the SDKs do: by its id,
// optionally one of its runs, and optionally the first run of the run chain.
type Handle struct {
	// WorkflowID is the path parameter.
	WorkflowID string

	// The query parameters workflowId, runId and firstExecutionRunId.
	parameter, runID, firstRunID string
}

// bind reads the query parameters.
func (h *Handle) bind(query url.Values) {
	if h != nil {
		h.parameter, h.runID, h.firstRunID = query.Get("workflowId"), query.Get("runId"), query.Get("firstExecutionRunId")
	}
}

// ID returns the workflow id, which the path or a query parameter has.
func (h *Handle) ID() (string, error) { return convert.ID("workflowId", h.WorkflowID, h.parameter) }

// resolve sets the execution that the caller names. If the caller names the run chain
// and the RPC does not check it, the execution is pinned to the run that was found to
// belong to it: by the time of the call the id may mean another chain. A server that
// does not return the first run id matches no chain.
func (req *Request) resolve(ctx context.Context) error {
	if req.Handle == nil {
		return nil
	}
	id, err := req.Handle.ID()
	if err != nil {
		return err
	}
	req.Execution = &common.WorkflowExecution{WorkflowId: id, RunId: req.Handle.runID}
	if req.Handle.firstRunID == "" || req.ChecksChain {
		return nil
	}
	run, err := longpoll.DescribeRun(ctx, req.adapter.Upstream, id, req.Handle.runID)
	if err != nil {
		return WithWorkflowID(err, id)
	}
	info := run.GetWorkflowExecutionInfo()
	if req.IsOtherChain(info) {
		e := problem.New(problem.RunChainMismatch, "The workflow id belongs to another chain of runs than firstExecutionRunId.")
		e.Members.WorkflowID = id
		return e
	}
	req.Execution.RunId = info.GetExecution().GetRunId()
	return nil
}

// IsOtherChain reports whether a run belongs to a run chain other than the one that
// the caller names.
func (req *Request) IsOtherChain(run *workflow.WorkflowExecutionInfo) bool {
	return req.Handle.firstRunID != "" && req.Handle.firstRunID != run.GetFirstRunId()
}

// WithWorkflowID adds the id to a problem that concerns one workflow. It copies the
// problem, which equal waits may share.
func WithWorkflowID(err error, workflowID string) error {
	var e *problem.Error
	if !errors.As(err, &e) || e.Upstream == nil {
		return err
	}
	copied := *e
	copied.Members.WorkflowID = workflowID
	return &copied
}
