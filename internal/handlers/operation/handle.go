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
	"github.com/flowgate/flowgate/internal/upstream"
)

// Handle identifies the workflow of a request, as a handle in the SDKs does: by workflow
// id, optionally a run id, and optionally the id of the first run in the run chain.
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

// ID returns the workflow id from the path or from the query parameter.
func (h *Handle) ID() (string, error) { return convert.ID("workflowId", h.WorkflowID, h.parameter) }

// resolve sets the execution that the caller names. If the caller names a run chain and
// the RPC does not check it, resolve checks it, and pins the execution to the run that
// it found, because the id may belong to another chain by the time of the call. The
// check fails if the server does not return the id of the first run.
func (req *Request) resolve(ctx context.Context) error {
	if req.Handle == nil {
		return nil
	}
	id, err := req.Handle.ID()
	if err != nil {
		return err
	}
	req.Execution = &common.WorkflowExecution{WorkflowId: id, RunId: req.Handle.runID}
	if req.Handle.firstRunID == "" || req.RPCChecksChain {
		return nil
	}
	run, err := longpoll.DescribeRun(upstream.WithInternal(ctx), req.adapter.Upstream, id, req.Handle.runID)
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

// WithWorkflowID adds the workflow id to an error that the server returned. It copies
// the error, because the waits that share a poll share its error.
func WithWorkflowID(err error, workflowID string) error {
	var e *problem.Error
	if !errors.As(err, &e) || e.Upstream == nil {
		return err
	}
	copied := *e
	copied.Members.WorkflowID = workflowID
	return &copied
}
