package auth

import (
	"fmt"
	"slices"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/problem"
)

// Capability is the set of calls that a delegated token permits: some operations on
// one workflow. [Principal.Authorize] checks the method. Only the request names the
// workflow, so package upstream also checks the request ([Capability.Check]).
type Capability struct {
	Namespace, WorkflowID string
	// RunID is the only permitted run; empty means any run.
	RunID string
	// Read permits calls that describe or query the workflow, or read its result
	// or its history.
	Read bool
	// Signals and Updates are the names of the permitted signals and updates. A
	// bearer that may send updates may also read their outcomes.
	Signals, Updates []string
}

// allows reports whether the capability permits any call of the method.
func (c *Capability) allows(fullMethod string) bool {
	switch fullMethod {
	case workflowservice.WorkflowService_DescribeWorkflowExecution_FullMethodName,
		workflowservice.WorkflowService_GetWorkflowExecutionHistory_FullMethodName,
		workflowservice.WorkflowService_QueryWorkflow_FullMethodName:
		return c.Read
	case workflowservice.WorkflowService_SignalWorkflowExecution_FullMethodName:
		return len(c.Signals) > 0
	case workflowservice.WorkflowService_UpdateWorkflowExecution_FullMethodName,
		workflowservice.WorkflowService_PollWorkflowExecutionUpdate_FullMethodName:
		return len(c.Updates) > 0
	default:
		return false
	}
}

// Scope returns a text that is equal for capabilities that permit the same calls,
// and different for all others. It is empty for a nil capability.
func (c *Capability) Scope() string {
	if c == nil {
		return ""
	}
	set := func(names []string) []string { return slices.Compact(slices.Sorted(slices.Values(names))) }
	return fmt.Sprintf("%q%q%q%t%q%q", c.Namespace, c.WorkflowID, c.RunID, c.Read, set(c.Signals), set(c.Updates))
}

// Target is the workflow that a request names, and the signal or the update that
// it sends, if any.
type Target struct{ WorkflowID, RunID, Signal, Update string }

// Check rejects a request for another workflow, or with another operation.
func (c *Capability) Check(t Target) error {
	if t.WorkflowID != c.WorkflowID || c.RunID != "" && t.RunID != c.RunID ||
		t.Signal != "" && !slices.Contains(c.Signals, t.Signal) ||
		t.Update != "" && !slices.Contains(c.Updates, t.Update) {
		return errOutsideCapability()
	}
	return nil
}

func errOutsideCapability() error {
	return problem.New(problem.OperationForbidden, "The token does not permit this operation on this workflow.")
}
