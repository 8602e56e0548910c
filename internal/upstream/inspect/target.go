package inspect

import (
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
)

// targetNames has the fields of a request, as for [pathTo], that hold what delegated
// tokens are limited to: the workflow execution, and the name of the signal or update
// that the request sends, if any.
type targetNames struct{ execution, signal, update string }

// targetFields returns the fields of each RPC that a delegated token can permit (see
// [auth.Capability]).
func targetFields() map[string]targetNames {
	read := targetNames{execution: "execution"}
	return map[string]targetNames{
		workflowservice.WorkflowService_DescribeWorkflowExecution_FullMethodName:   read,
		workflowservice.WorkflowService_GetWorkflowExecutionHistory_FullMethodName: read,
		workflowservice.WorkflowService_QueryWorkflow_FullMethodName:               read,
		workflowservice.WorkflowService_SignalWorkflowExecution_FullMethodName: {
			execution: "workflow_execution", signal: "signal_name",
		},
		workflowservice.WorkflowService_UpdateWorkflowExecution_FullMethodName: {
			execution: "workflow_execution", update: "request.input.name",
		},
		workflowservice.WorkflowService_PollWorkflowExecutionUpdate_FullMethodName: {
			execution: "update_ref.workflow_execution",
		},
	}
}

// target has the paths of [targetNames] in one request type.
type target struct{ workflowID, runID, signal, update path }

// compile returns nil if the RPC has no target.
func (n targetNames) compile(d protoreflect.MessageDescriptor) *target {
	if n.execution == "" {
		return nil
	}
	return &target{
		workflowID: pathTo(d, n.execution+".workflow_id"), runID: pathTo(d, n.execution+".run_id"),
		signal: pathTo(d, n.signal), update: pathTo(d, n.update),
	}
}

// check rejects a request that a delegated token does not permit.
func (t *target) check(capability *auth.Capability, request []byte) error {
	if t == nil {
		return problem.New(problem.Internal, "The request cannot be checked.")
	}
	var named auth.Target
	for _, field := range []struct {
		path     path
		to       *string
		required bool
	}{
		{t.workflowID, &named.WorkflowID, true},
		{t.runID, &named.RunID, false},
		{t.signal, &named.Signal, t.signal != nil},
		{t.update, &named.Update, t.update != nil},
	} {
		text, err := field.path.only(request)
		if err != nil {
			return err
		}
		if field.required && text == "" {
			return problem.New(problem.InvalidRequest, "The request does not name its workflow, its signal or its update.")
		}
		*field.to = text
	}
	return capability.Check(named)
}
