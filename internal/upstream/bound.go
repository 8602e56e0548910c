package upstream

import (
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
)

// checkBound holds a request against the token that it comes with. The methods
// are those that [auth.Bound] opens; of any other nothing is known, and nothing
// passes.
func checkBound(bound *auth.Capability, fullMethod string, request []byte) error {
	target, ok := targetOf(fullMethod, request)
	if !ok {
		return problem.New(problem.InvalidRequest, "The request is not a valid protobuf message.")
	}
	return bound.Check(target)
}

// targetOf reads what a call would do to which workflow, as the server would.
func targetOf(fullMethod string, request []byte) (t auth.Target, ok bool) {
	var execution *common.WorkflowExecution
	read := func(m proto.Message) bool { return proto.Unmarshal(request, m) == nil }
	switch fullMethod {
	case workflowservice.WorkflowService_DescribeWorkflowExecution_FullMethodName:
		m := &workflowservice.DescribeWorkflowExecutionRequest{}
		ok, execution = read(m), m.GetExecution()
	case workflowservice.WorkflowService_GetWorkflowExecutionHistory_FullMethodName:
		m := &workflowservice.GetWorkflowExecutionHistoryRequest{}
		ok, execution = read(m), m.GetExecution()
	case workflowservice.WorkflowService_QueryWorkflow_FullMethodName:
		m := &workflowservice.QueryWorkflowRequest{}
		ok, execution = read(m), m.GetExecution()
	case workflowservice.WorkflowService_SignalWorkflowExecution_FullMethodName:
		m := &workflowservice.SignalWorkflowExecutionRequest{}
		ok, execution, t.Signal = read(m), m.GetWorkflowExecution(), m.GetSignalName()
		ok = ok && t.Signal != ""
	case workflowservice.WorkflowService_UpdateWorkflowExecution_FullMethodName:
		m := &workflowservice.UpdateWorkflowExecutionRequest{}
		ok, execution, t.Update = read(m), m.GetWorkflowExecution(), m.GetRequest().GetInput().GetName()
		ok = ok && t.Update != ""
	case workflowservice.WorkflowService_PollWorkflowExecutionUpdate_FullMethodName:
		m := &workflowservice.PollWorkflowExecutionUpdateRequest{}
		ok, execution = read(m), m.GetUpdateRef().GetWorkflowExecution()
	}
	t.WorkflowID, t.RunID = execution.GetWorkflowId(), execution.GetRunId()
	return t, ok
}
