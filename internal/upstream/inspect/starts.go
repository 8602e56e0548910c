package inspect

import (
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/deployment/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
)

// startClass classifies an RPC by the work that it can start: workflows, activities,
// Nexus operations or workers. The zero value stands for an RPC that has not been
// classified.
type startClass uint8

const (
	// startsNothing: the RPC starts nothing, or continues work that was started
	// before.
	startsNothing startClass = iota + 1
	// startsNamed: the request names the type, the queue or the endpoint of all
	// work that the RPC starts, in fields that the guard checks.
	startsNamed
	// startsUnnamed: the RPC can start work that its request does not name.
	startsUnnamed
)

// startClasses returns the class of every RPC that writes. A test compares it with the
// access table, and fails after an upgrade of the API until each new RPC is
// classified. Reads start nothing.
func startClasses() map[string]startClass {
	all := map[string]startClass{}
	for class, names := range map[startClass][]string{
		startsNamed: namedStarts(), startsUnnamed: unnamedStarts(), startsNothing: noStarts(),
	} {
		for _, name := range names {
			all[name] = max(all[name], class) // the strictest class, if a name is listed twice by mistake
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
		// The commands in the request start child workflows, activities and Nexus operations.
		workflowservice.WorkflowService_RespondWorkflowTaskCompleted_FullMethodName,
		workflowservice.WorkflowService_StartActivityExecution_FullMethodName,
		workflowservice.WorkflowService_StartNexusOperationExecution_FullMethodName,
		// These can move an activity to another queue.
		workflowservice.WorkflowService_UpdateActivityOptions_FullMethodName,
		workflowservice.WorkflowService_UpdateActivityExecutionOptions_FullMethodName,
		// These receive work of the queue that they name. For a worker that has a version,
		// the server also starts system workflows; see namesVersion.
		workflowservice.WorkflowService_PollWorkflowTaskQueue_FullMethodName,
		workflowservice.WorkflowService_PollActivityTaskQueue_FullMethodName,
		workflowservice.WorkflowService_PollNexusTaskQueue_FullMethodName,
	}
}

func unnamedStarts() []string {
	return []string{
		// The new run has the type and the queue of the old one.
		workflowservice.WorkflowService_ResetWorkflowExecution_FullMethodName,
		// A batch can reset any workflow, including the server's own.
		workflowservice.WorkflowService_StartBatchOperation_FullMethodName,
		// A patch can trigger a schedule that another caller made; see onlyPauses.
		workflowservice.WorkflowService_PatchSchedule_FullMethodName,
		// These make the server start a system workflow, and start workers as configured by
		// fields that the guard does not check.
		workflowservice.WorkflowService_CreateWorkerDeploymentVersion_FullMethodName,
		workflowservice.WorkflowService_UpdateWorkerDeploymentVersionComputeConfig_FullMethodName,
		workflowservice.WorkflowService_ValidateWorkerDeploymentVersionComputeConfig_FullMethodName,
		// These make the server start a system workflow for the deployment.
		workflowservice.WorkflowService_CreateWorkerDeployment_FullMethodName,
		workflowservice.WorkflowService_SetWorkerDeploymentManager_FullMethodName,
		workflowservice.WorkflowService_SetWorkerDeploymentCurrentVersion_FullMethodName,
		workflowservice.WorkflowService_SetWorkerDeploymentRampingVersion_FullMethodName,
		workflowservice.WorkflowService_UpdateWorkerDeploymentVersionMetadata_FullMethodName,
		// These set the target of the calls to an endpoint.
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
		workflowservice.WorkflowService_UpdateWorkflowExecutionOptions_FullMethodName, // no field of the request is a type or a queue
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

		// Worker versions, which determine the workers that get the tasks of a queue.
		workflowservice.WorkflowService_UpdateWorkerBuildIdCompatibility_FullMethodName,
		workflowservice.WorkflowService_UpdateWorkerVersioningRules_FullMethodName,
		workflowservice.WorkflowService_SetCurrentDeployment_FullMethodName,
		workflowservice.WorkflowService_DeleteWorkerDeployment_FullMethodName,
		workflowservice.WorkflowService_DeleteWorkerDeploymentVersion_FullMethodName,

		// Workflow rules. The only action of a rule is to pause an activity.
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
		// Reads that require the role admin.
		operatorservice.OperatorService_ListClusters_FullMethodName,
		operatorservice.OperatorService_GetNexusEndpoint_FullMethodName,
		operatorservice.OperatorService_ListNexusEndpoints_FullMethodName,
	}
}

// checkStart checks a write of a limited caller. It rejects an RPC that can start work
// which its request does not name, and an RPC that has not been classified. It also rejects
// the start of an activity by a caller without a list of task queues: an activity has no
// workflow type, so such a caller could run any code of any worker.
func (m Method) checkStart(principal *auth.Principal, request []byte) error {
	if m.fullMethod == workflowservice.WorkflowService_StartActivityExecution_FullMethodName && len(principal.TaskQueues) == 0 {
		return outsideLimits()
	}
	switch m.starts {
	case startsNothing:
		return nil
	case startsNamed:
		if namesVersion(m.fullMethod, request) {
			return problem.New(problem.OperationForbidden, "The caller is limited, and may not poll as a worker of a deployment version.")
		}
		return nil
	default:
	}
	if m.fullMethod == workflowservice.WorkflowService_PatchSchedule_FullMethodName && onlyPauses(request) {
		return nil
	}
	return outsideLimits()
}

// onlyPauses reports whether a PatchScheduleRequest does nothing but pause the schedule.
func onlyPauses(request []byte) bool {
	message := &workflowservice.PatchScheduleRequest{}
	if proto.Unmarshal(request, message) != nil {
		return false
	}
	patch := message.GetPatch()
	return patch.GetTriggerImmediately() == nil && len(patch.GetBackfillRequest()) == 0 && patch.GetUnpause() == ""
}

// namesVersion reports whether a poll for tasks names a worker deployment version, for
// which the server starts system workflows. The number of deployments in a namespace is
// limited, so a caller that invents names could keep workers with versions out. The SDKs
// send the names of workers without versioning too, which have no effect. A request that
// cannot be decoded counts as one that names a version.
func namesVersion(fullMethod string, request []byte) bool {
	var message interface {
		proto.Message
		GetDeploymentOptions() *deployment.WorkerDeploymentOptions
		GetWorkerVersionCapabilities() *common.WorkerVersionCapabilities
	}
	switch fullMethod {
	case workflowservice.WorkflowService_PollWorkflowTaskQueue_FullMethodName:
		message = &workflowservice.PollWorkflowTaskQueueRequest{}
	case workflowservice.WorkflowService_PollActivityTaskQueue_FullMethodName:
		message = &workflowservice.PollActivityTaskQueueRequest{}
	case workflowservice.WorkflowService_PollNexusTaskQueue_FullMethodName:
		message = &workflowservice.PollNexusTaskQueueRequest{}
	default:
		return false
	}
	if proto.Unmarshal(request, message) != nil {
		return true
	}
	switch message.GetDeploymentOptions().GetWorkerVersioningMode() {
	case enums.WORKER_VERSIONING_MODE_UNSPECIFIED, enums.WORKER_VERSIONING_MODE_UNVERSIONED:
	default:
		return true
	}
	// The older way to name a version.
	capabilities := message.GetWorkerVersionCapabilities()
	return capabilities.GetUseVersioning() && capabilities.GetDeploymentSeriesName() != ""
}

func outsideLimits() error {
	return problem.New(problem.OperationForbidden,
		"The caller is limited to some workflow types, task queues or Nexus endpoints, and the call could start others.")
}
