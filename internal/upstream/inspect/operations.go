package inspect

import (
	"strings"

	"go.temporal.io/api/batch/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/schedule/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
)

// checkOperations rejects a request that does more than the operations of its RPC: a batch
// does what its operation does, a reset may signal, the policies of starts and schedules may
// terminate a workflow, and a signal to a workflow of the server itself may start any
// workflow. Without this check, a grant on one operation would permit others. A caller whose
// role permits the RPC is not restricted.
func (m Method) checkOperations(principal *auth.Principal, namespace string, request []byte) error {
	if principal.RoleOn(namespace) >= m.access.Role {
		return nil
	}
	granted := principal.OperationsOn(namespace)
	if granted == 0 {
		return nil // without the role or the operation, Authorize has rejected the call
	}
	if err := m.system.check(request, &inspection{}); err != nil {
		if problem.Is(err, problem.OperationForbidden) {
			return problem.New(problem.OperationForbidden, "The caller's grant does not extend to the workflows of the server itself.")
		}
		return err
	}
	if m.needs == nil {
		return nil
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
		workflowservice.WorkflowService_CreateSchedule_FullMethodName: decoded(
			func(r *workflowservice.CreateScheduleRequest) auth.Operations {
				return scheduleOperations(r.GetSchedule()) | patchOperations(r.GetInitialPatch())
			}),
		workflowservice.WorkflowService_UpdateSchedule_FullMethodName: decoded(
			func(r *workflowservice.UpdateScheduleRequest) auth.Operations {
				return scheduleOperations(r.GetSchedule())
			}),
		workflowservice.WorkflowService_PatchSchedule_FullMethodName: decoded(
			func(r *workflowservice.PatchScheduleRequest) auth.Operations { return patchOperations(r.GetPatch()) }),
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

// scheduleOperations returns what the policies of a schedule do to the workflows that it has started.
func scheduleOperations(s *schedule.Schedule) auth.Operations {
	needed := overlapOperations(s.GetPolicies().GetOverlapPolicy())
	//nolint:staticcheck // the server still honours the deprecated value
	if s.GetAction().GetStartWorkflow().GetWorkflowIdReusePolicy() == enums.WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING {
		needed |= auth.OpTerminate
	}
	return needed
}

func patchOperations(patch *schedule.SchedulePatch) auth.Operations {
	needed := overlapOperations(patch.GetTriggerImmediately().GetOverlapPolicy())
	for _, backfill := range patch.GetBackfillRequest() {
		needed |= overlapOperations(backfill.GetOverlapPolicy())
	}
	return needed
}

func overlapOperations(policy enums.ScheduleOverlapPolicy) auth.Operations {
	switch policy {
	case enums.SCHEDULE_OVERLAP_POLICY_TERMINATE_OTHER:
		return auth.OpTerminate
	case enums.SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER:
		return auth.OpCancel
	case enums.SCHEDULE_OVERLAP_POLICY_UNSPECIFIED, enums.SCHEDULE_OVERLAP_POLICY_SKIP, enums.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE,
		enums.SCHEDULE_OVERLAP_POLICY_BUFFER_ALL, enums.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL:
		return 0
	default:
		return everything
	}
}

// divisionAttribute is the search attribute of the server's own workflows, which a query does
// not find unless it names the attribute.
const divisionAttribute = "temporalnamespacedivision"

// checkBatchQuery rejects a query that could select workflows of the server itself.
func checkBatchQuery(query []byte) error {
	if strings.Contains(strings.ToLower(string(query)), divisionAttribute) {
		return outsideLimits()
	}
	return nil
}
