package handlers

import (
	"context"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflow/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/problem"
)

// handle is how a request names a workflow, as the SDK's handle does: by its id,
// which the path or a parameter has, one of its runs, and the first run of the
// chain that is meant.
type handle struct{ segment, parameter, runID, firstRunID string }

// resolve finds the execution that the caller names. Where the chain is named
// too, and no RPC looks after it, the execution is made to name the run that was
// found to be of it: the id may mean another chain by the time of the call. A
// server that does not tell the chain proves nothing.
func (a *API) resolve(ctx context.Context, c *operationRequest) error {
	if c.handle == nil {
		return nil
	}
	id, err := convert.ID("workflowId", c.handle.segment, c.handle.parameter)
	if err != nil {
		return err
	}
	c.execution = &common.WorkflowExecution{WorkflowId: id, RunId: c.handle.runID}
	if c.handle.firstRunID == "" || c.checksChain {
		return nil
	}
	run, err := longpoll.DescribeRun(ctx, a.options.Upstream, id, c.handle.runID)
	if err != nil {
		return withWorkflowID(err, id)
	}
	info := run.GetWorkflowExecutionInfo()
	if c.isOtherChain(info) {
		e := problem.New(problem.RunChainMismatch, "The workflow id belongs to another chain of runs than firstExecutionRunId.")
		e.Members.WorkflowID = id
		return e
	}
	c.execution.RunId = info.GetExecution().GetRunId()
	return nil
}

// isOtherChain reports whether a run belongs to another chain than the caller names.
func (c *operationRequest) isOtherChain(run *workflow.WorkflowExecutionInfo) bool {
	return c.handle.firstRunID != "" && c.handle.firstRunID != run.GetFirstRunId()
}
