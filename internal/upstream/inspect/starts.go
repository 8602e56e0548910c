package inspect

import (
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/problem"
)

// starting classifies an RPC by what it can start: workflows, activities, Nexus
// operations or workers. The zero value is an RPC that has not been classified.
type starting uint8

const (
	// startsNothing is an RPC that starts nothing, or continues what was started
	// before.
	startsNothing starting = iota + 1
	// startsNamed is an RPC whose request names the type, the queue or the
	// endpoint of everything that it starts, in fields that the guard checks.
	startsNamed
	// startsUnnamed is an RPC that starts, or can start, work that its request
	// does not name.
	startsUnnamed
)

// startings classifies every RPC that writes. A test compares it with the access
// table, so that a new version of the API fails the build until each new RPC is
// classified. Reads start nothing.
func startings() map[string]starting {
	all := map[string]starting{}
	for class, names := range map[starting][]string{
		startsNamed: namedStarts(), startsUnnamed: unnamedStarts(), startsNothing: noStarts(),
	} {
		for _, name := range names {
			all[name] = max(all[name], class) // the strictest one
		}
	}
	return all
}

func namedStarts() []string {
	return []string{
		workflowservice.WorkflowService_StartWorkflowExecution_FullMethodName,
		workflowservice.WorkflowService_SignalWithStartWorkflowExecution_FullMethodName,
		workflowservice.WorkflowService_ExecuteMultiOperation_FullMethodName,
		workflowservice.WorkflowService_CreateSchedule_FullMethodName,
		workflowservice.WorkflowService_UpdateSchedule_FullMethodName, // the request replaces the whole action
		// Its commands start children, activities and Nexus operations.
		workflowservice.WorkflowService_RespondWorkflowTaskCompleted_FullMethodName,
		workflowservice.WorkflowService_StartActivityExecution_FullMethodName,
		workflowservice.WorkflowService_StartNexusOperationExecution_FullMethodName,
		// They may move an activity to another queue.
		workflowservice.WorkflowService_UpdateActivityOptions_FullMethodName,
		workflowservice.WorkflowService_UpdateActivityExecutionOptions_FullMethodName,
		// Work arrives at the poller of the queue.
		workflowservice.WorkflowService_PollWorkflowTaskQueue_FullMethodName,
		workflowservice.WorkflowService_PollActivityTaskQueue_FullMethodName,
		workflowservice.WorkflowService_PollNexusTaskQueue_FullMethodName,
	}
}

func unnamedStarts() []string {
	return []string{
		// The new run has the type and the queue of the old one.
		workflowservice.WorkflowService_ResetWorkflowExecution_FullMethodName,
		// It applies to every workflow, also to the server's own, and can reset.
		workflowservice.WorkflowService_StartBatchOperation_FullMethodName,
		// It can trigger a schedule that another caller made; see onlyPauses.
		workflowservice.WorkflowService_PatchSchedule_FullMethodName,
		// The server starts workers, with a provider and details that are in no
		// marked field, and a system workflow.
		workflowservice.WorkflowService_CreateWorkerDeploymentVersion_FullMethodName,
		workflowservice.WorkflowService_UpdateWorkerDeploymentVersionComputeConfig_FullMethodName,
		workflowservice.WorkflowService_ValidateWorkerDeploymentVersionComputeConfig_FullMethodName,
		// The server starts a system workflow for the deployment.
		workflowservice.WorkflowService_CreateWorkerDeployment_FullMethodName,
		workflowservice.WorkflowService_SetWorkerDeploymentManager_FullMethodName,
		workflowservice.WorkflowService_SetWorkerDeploymentCurrentVersion_FullMethodName,
		workflowservice.WorkflowService_SetWorkerDeploymentRampingVersion_FullMethodName,
		workflowservice.WorkflowService_UpdateWorkerDeploymentVersionMetadata_FullMethodName,
		// They set the target of an endpoint's calls.
		operatorservice.OperatorService_CreateNexusEndpoint_FullMethodName,
		operatorservice.OperatorService_UpdateNexusEndpoint_FullMethodName,
	}
}

func noStarts() []string {
	return []string{
		workflowservice.WorkflowService_RequestCancelWorkflowExecution_FullMethodName,
		workflowservice.WorkflowService_SignalWorkflowExecution_FullMethodName,
		workflowservice.WorkflowService_UpdateWorkflowExecution_FullMethodName,
		workflowservice.WorkflowService_TerminateWorkflowExecution_FullMethodName,
		workflowservice.WorkflowService_DeleteWorkflowExecution_FullMethodName,
		workflowservice.WorkflowService_PauseWorkflowExecution_FullMethodName,
		workflowservice.WorkflowService_UnpauseWorkflowExecution_FullMethodName,
		workflowservice.WorkflowService_UpdateWorkflowExecutionOptions_FullMethodName, // no field of it is a type or a queue
		workflowservice.WorkflowService_DeleteSchedule_FullMethodName,
		workflowservice.WorkflowService_StopBatchOperation_FullMethodName,

		// Reports of workers about their work.
		workflowservice.WorkflowService_RespondWorkflowTaskFailed_FullMethodName,
		workflowservice.WorkflowService_RespondActivityTaskCompleted_FullMethodName,
		workflowservice.WorkflowService_RespondActivityTaskCompletedById_FullMethodName,
		workflowservice.WorkflowService_RespondActivityTaskFailed_FullMethodName,
		workflowservice.WorkflowService_RespondActivityTaskFailedById_FullMethodName,
		workflowservice.WorkflowService_RespondActivityTaskCanceled_FullMethodName,
		workflowservice.WorkflowService_RespondActivityTaskCanceledById_FullMethodName,
		workflowservice.WorkflowService_RecordActivityTaskHeartbeat_FullMethodName,
		workflowservice.WorkflowService_RecordActivityTaskHeartbeatById_FullMethodName,
		workflowservice.WorkflowService_RespondNexusTaskCompleted_FullMethodName,
		workflowservice.WorkflowService_RespondNexusTaskFailed_FullMethodName,
		workflowservice.WorkflowService_RespondQueryTaskCompleted_FullMethodName,
		workflowservice.WorkflowService_ResetStickyTaskQueue_FullMethodName,
		workflowservice.WorkflowService_ShutdownWorker_FullMethodName,
		workflowservice.WorkflowService_RecordWorkerHeartbeat_FullMethodName,
		workflowservice.WorkflowService_UpdateWorkerConfig_FullMethodName,
		workflowservice.WorkflowService_UpdateTaskQueueConfig_FullMethodName,

		// Versions: which workers of a queue get its tasks.
		workflowservice.WorkflowService_UpdateWorkerBuildIdCompatibility_FullMethodName,
		workflowservice.WorkflowService_UpdateWorkerVersioningRules_FullMethodName,
		workflowservice.WorkflowService_SetCurrentDeployment_FullMethodName,
		workflowservice.WorkflowService_DeleteWorkerDeployment_FullMethodName,
		workflowservice.WorkflowService_DeleteWorkerDeploymentVersion_FullMethodName,

		// Rules: their only action pauses an activity.
		workflowservice.WorkflowService_CreateWorkflowRule_FullMethodName,
		workflowservice.WorkflowService_DeleteWorkflowRule_FullMethodName,
		workflowservice.WorkflowService_TriggerWorkflowRule_FullMethodName,

		// Activities and Nexus operations that were started before.
		workflowservice.WorkflowService_RequestCancelActivityExecution_FullMethodName,
		workflowservice.WorkflowService_TerminateActivityExecution_FullMethodName,
		workflowservice.WorkflowService_DeleteActivityExecution_FullMethodName,
		workflowservice.WorkflowService_PauseActivity_FullMethodName,
		workflowservice.WorkflowService_UnpauseActivity_FullMethodName,
		workflowservice.WorkflowService_ResetActivity_FullMethodName,
		workflowservice.WorkflowService_PauseActivityExecution_FullMethodName,
		workflowservice.WorkflowService_UnpauseActivityExecution_FullMethodName,
		workflowservice.WorkflowService_ResetActivityExecution_FullMethodName,
		workflowservice.WorkflowService_RequestCancelNexusOperationExecution_FullMethodName,
		workflowservice.WorkflowService_TerminateNexusOperationExecution_FullMethodName,
		workflowservice.WorkflowService_DeleteNexusOperationExecution_FullMethodName,

		// Administration.
		workflowservice.WorkflowService_RegisterNamespace_FullMethodName,
		workflowservice.WorkflowService_UpdateNamespace_FullMethodName,
		workflowservice.WorkflowService_DeprecateNamespace_FullMethodName,
		operatorservice.OperatorService_DeleteNamespace_FullMethodName,
		operatorservice.OperatorService_AddSearchAttributes_FullMethodName,
		operatorservice.OperatorService_RemoveSearchAttributes_FullMethodName,
		operatorservice.OperatorService_AddOrUpdateRemoteCluster_FullMethodName,
		operatorservice.OperatorService_RemoveRemoteCluster_FullMethodName,
		operatorservice.OperatorService_DeleteNexusEndpoint_FullMethodName,
		// They read, and require an administrator.
		operatorservice.OperatorService_ListClusters_FullMethodName,
		operatorservice.OperatorService_GetNexusEndpoint_FullMethodName,
		operatorservice.OperatorService_ListNexusEndpoints_FullMethodName,
	}
}

// checkStart rejects RPCs of a limited caller that start work which the request
// does not name, and RPCs that have not been classified.
func (m Method) checkStart(request []byte) error {
	switch m.starts {
	case startsNothing, startsNamed:
		return nil
	default:
	}
	if m.fullMethod == workflowservice.WorkflowService_PatchSchedule_FullMethodName && onlyPauses(request) {
		return nil
	}
	return outsideLimits()
}

// onlyPauses reports whether a patch pauses a schedule and does nothing else.
func onlyPauses(request []byte) bool {
	message := &workflowservice.PatchScheduleRequest{}
	if proto.Unmarshal(request, message) != nil {
		return false
	}
	patch := message.GetPatch()
	return patch.GetTriggerImmediately() == nil && len(patch.GetBackfillRequest()) == 0 && patch.GetUnpause() == ""
}

func outsideLimits() error {
	return problem.New(problem.OperationForbidden,
		"The caller is limited to some workflow types, task queues or Nexus endpoints, and the call could start others.")
}
