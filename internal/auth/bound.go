package auth

import (
	"fmt"
	"slices"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/problem"
)

// Capability is all that the bearer of a delegated token may do: named operations on
// one workflow. Whoever makes the call holds its request against the bound
// too, since only there stands which workflow it is for.
type Capability struct {
	Namespace, WorkflowID string
	// RunID is the only run; empty is any.
	RunID string
	// Read lets the bearer describe and query the workflow, and read its result
	// and its history.
	Read bool
	// Signals and Updates are the names of those that it may send. Who may send
	// an update may ask for its outcome.
	Signals, Updates []string
}

// allows tells whether the method is one that the bound can be held against.
func (b *Capability) allows(fullMethod string) bool {
	switch fullMethod {
	case workflowservice.WorkflowService_DescribeWorkflowExecution_FullMethodName,
		workflowservice.WorkflowService_GetWorkflowExecutionHistory_FullMethodName,
		workflowservice.WorkflowService_QueryWorkflow_FullMethodName:
		return b.Read
	case workflowservice.WorkflowService_SignalWorkflowExecution_FullMethodName:
		return len(b.Signals) > 0
	case workflowservice.WorkflowService_UpdateWorkflowExecution_FullMethodName,
		workflowservice.WorkflowService_PollWorkflowExecutionUpdate_FullMethodName:
		return len(b.Updates) > 0
	default:
		return false
	}
}

// Scope is equal for bounds that permit the same calls, and differs for all
// others. Without a bound it is empty.
func (b *Capability) Scope() string {
	if b == nil {
		return ""
	}
	set := func(names []string) []string { return slices.Compact(slices.Sorted(slices.Values(names))) }
	return fmt.Sprintf("%q%q%q%t%q%q", b.Namespace, b.WorkflowID, b.RunID, b.Read, set(b.Signals), set(b.Updates))
}

// Target is what a call does to which workflow.
type Target struct{ WorkflowID, RunID, Signal, Update string }

// Check refuses whatever is not for the bound's workflow, or not one of its
// operations.
func (b *Capability) Check(t Target) error {
	if t.WorkflowID != b.WorkflowID || b.RunID != "" && t.RunID != b.RunID ||
		t.Signal != "" && !slices.Contains(b.Signals, t.Signal) ||
		t.Update != "" && !slices.Contains(b.Updates, t.Update) {
		return errOutsideCapability()
	}
	return nil
}

func errOutsideCapability() error {
	return problem.New(problem.OperationForbidden, "The token was made for other operations, or for another workflow.")
}
