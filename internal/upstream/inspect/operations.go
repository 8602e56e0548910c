package inspect

import (
	"go.temporal.io/api/batch/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
)

// checkOperations rejects a request that does more than the operations of its RPC: a batch
// does what its operation does, a reset may signal, and the id policies of a start may
// terminate a workflow. Without this check, a grant on one operation would permit others.
// A caller whose role permits the RPC is not restricted.
func (m Method) checkOperations(principal *auth.Principal, namespace string, request []byte) error {
	if m.needs == nil || principal.RoleOn(namespace) >= m.access.Role {
		return nil
	}
	granted := principal.OperationsOn(namespace)
	if granted == 0 {
		return nil // without the role or the operation, Authorize has rejected the call
	}
	needed, err := m.needs(request)
	if err != nil {
		return problem.New(problem.InvalidRequest, "The request is not a valid protobuf message.").WithCause(err)
	}
	if !granted.Contains(needed) {
		return problem.New(problem.OperationForbidden, "The caller's grant permits the call, but not all that the request would do.")
	}
	return nil
}

// operationsOf returns the operations that a request needs beside those in the access table.
type operationsOf func(request []byte) (auth.Operations, error)

// requestOperations returns the function of each RPC whose work depends on the request.
func requestOperations() map[string]operationsOf {
	return map[string]operationsOf{
		workflowservice.WorkflowService_StartWorkflowExecution_FullMethodName: decoded(
			func(r *workflowservice.StartWorkflowExecutionRequest) auth.Operations { return policyOperations(r) }),
		workflowservice.WorkflowService_SignalWithStartWorkflowExecution_FullMethodName: decoded(
			func(r *workflowservice.SignalWithStartWorkflowExecutionRequest) auth.Operations {
				return policyOperations(r)
			}),
		workflowservice.WorkflowService_ExecuteMultiOperation_FullMethodName: decoded(multiOperations),
		workflowservice.WorkflowService_ResetWorkflowExecution_FullMethodName: decoded(
			func(r *workflowservice.ResetWorkflowExecutionRequest) auth.Operations {
				return postResetOperations(r.GetPostResetOperations())
			}),
		workflowservice.WorkflowService_StartBatchOperation_FullMethodName: decoded(batchOperations),
	}
}

// decoded returns a function that decodes a request and calls needs with it.
func decoded[M any, P interface {
	*M
	proto.Message
}](needs func(P) auth.Operations,
) operationsOf {
	return func(request []byte) (auth.Operations, error) {
		message := P(new(M))
		if err := proto.Unmarshal(request, message); err != nil {
			return 0, err
		}
		return needs(message), nil
	}
}

// policyOperations returns OpTerminate for a start that may terminate the workflow which has
// the id.
func policyOperations(start interface {
	GetWorkflowIdReusePolicy() enums.WorkflowIdReusePolicy
	GetWorkflowIdConflictPolicy() enums.WorkflowIdConflictPolicy
},
) auth.Operations {
	//nolint:staticcheck // the server still honours the deprecated value
	if start.GetWorkflowIdReusePolicy() == enums.WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING ||
		start.GetWorkflowIdConflictPolicy() == enums.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING {
		return auth.OpTerminate
	}
	return 0
}

func multiOperations(r *workflowservice.ExecuteMultiOperationRequest) (needed auth.Operations) {
	for _, operation := range r.GetOperations() {
		needed |= policyOperations(operation.GetStartWorkflow())
	}
	return needed
}

// everything is what an operation needs that the gateway does not know.
const everything = ^auth.Operations(0)

func postResetOperations(operations []*workflow.PostResetOperation) (needed auth.Operations) {
	for _, operation := range operations {
		switch operation.GetVariant().(type) {
		case *workflow.PostResetOperation_SignalWorkflow_:
			needed |= auth.OpSignal
		case *workflow.PostResetOperation_UpdateWorkflowOptions_:
			needed |= auth.OpSetOptions
		default:
			needed |= everything
		}
	}
	return needed
}

func batchOperations(r *workflowservice.StartBatchOperationRequest) auth.Operations {
	switch operation := r.GetOperation().(type) {
	case *workflowservice.StartBatchOperationRequest_TerminationOperation:
		return auth.OpTerminate
	case *workflowservice.StartBatchOperationRequest_SignalOperation:
		return auth.OpSignal
	case *workflowservice.StartBatchOperationRequest_CancellationOperation:
		return auth.OpCancel
	case *workflowservice.StartBatchOperationRequest_DeletionOperation:
		return auth.OpDelete
	case *workflowservice.StartBatchOperationRequest_ResetOperation:
		return resetOperations(operation.ResetOperation)
	case *workflowservice.StartBatchOperationRequest_UpdateWorkflowOptionsOperation:
		return auth.OpSetOptions
	case *workflowservice.StartBatchOperationRequest_UnpauseActivitiesOperation,
		*workflowservice.StartBatchOperationRequest_ResetActivitiesOperation,
		*workflowservice.StartBatchOperationRequest_UpdateActivityOptionsOperation,
		*workflowservice.StartBatchOperationRequest_CancelActivitiesOperation,
		*workflowservice.StartBatchOperationRequest_TerminateActivitiesOperation:
		return auth.OpControlActivities
	case *workflowservice.StartBatchOperationRequest_DeleteActivitiesOperation:
		return auth.OpDeleteActivities
	default:
		return everything
	}
}

func resetOperations(reset *batch.BatchOperationReset) auth.Operations {
	return auth.OpReset | postResetOperations(reset.GetPostResetOperations())
}
