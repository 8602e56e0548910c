package auth

// The services of the table, as prefixes of full method names.
const (
	workflowService = "/temporal.api.workflowservice.v1.WorkflowService/"
	operatorService = "/temporal.api.operatorservice.v1.OperatorService/"
)

// accessTable is a literal, and never modified at run time. A test compares it
// with the linked API, so that an upgrade with a new method fails until the method
// has a row. No RPC requires a lower role than Temporal's default authorizer
// requires, so that the server permits what the gateway permits.
//
// A read is an RPC that changes and starts nothing. The server's code (v1.32) is the
// source, because neither the names of the RPCs nor the roles in the default
// authorizer are reliable. A read may:
//   - Query a worker, which runs code of the worker and writes no history:
//     QueryWorkflow; FetchWorkerConfig, once a server implements it.
//   - Query one of the server's own workflows: DescribeSchedule,
//     ListScheduleMatchingTimes, DescribeWorkerDeployment and
//     DescribeWorkerDeploymentVersion. DescribeSchedule may also signal the
//     schedule's workflow to look for closed runs; that workflow finds them
//     without the signal too.
//   - Wait, as the polls for updates, activities, Nexus operations and history
//     events do. They create no task.
//   - Load the server's stored state of a task queue into memory:
//     DescribeTaskQueue, ListTaskQueuePartitions, GetWorkerBuildIdCompatibility,
//     GetWorkerVersioningRules, GetWorkerTaskReachability, and the RPCs that report
//     on the task queues of a worker deployment version. They create no task.
//
// All other reads only read stored data: mutable state, visibility, the archive, the
// heartbeats of workers, or the metadata of namespaces and the cluster.
//
//nolint:gochecknoglobals // an immutable table, read through AccessOf
var accessTable = map[string]Access{
	// Workflows.
	workflowService + "StartWorkflowExecution":             writeOnce(OpStart),
	workflowService + "GetWorkflowExecutionHistory":        read(OpRead),
	workflowService + "GetWorkflowExecutionHistoryReverse": read(OpRead),
	workflowService + "RequestCancelWorkflowExecution":     writeOnce(OpCancel),
	workflowService + "SignalWorkflowExecution":            writeOnce(OpSignal),
	workflowService + "SignalWithStartWorkflowExecution":   writeOnce(OpStart | OpSignal),
	workflowService + "ResetWorkflowExecution":             write(OpReset), // the server does not store the request id: a second attempt resets again
	workflowService + "TerminateWorkflowExecution":         write(OpTerminate),
	workflowService + "DeleteWorkflowExecution":            write(OpDelete),
	workflowService + "ListOpenWorkflowExecutions":         read(OpRead),
	workflowService + "ListClosedWorkflowExecutions":       read(OpRead),
	workflowService + "ListWorkflowExecutions":             read(OpRead),
	workflowService + "ListArchivedWorkflowExecutions":     read(OpRead),
	workflowService + "ScanWorkflowExecutions":             read(OpRead),
	workflowService + "CountWorkflowExecutions":            read(OpRead),
	workflowService + "ExecuteMultiOperation":              writeOnce(OpStart | OpUpdate),
	workflowService + "QueryWorkflow":                      read(OpQuery),
	workflowService + "DescribeWorkflowExecution":          read(OpRead),
	workflowService + "UpdateWorkflowExecution":            writeOnce(OpUpdate),
	workflowService + "PollWorkflowExecutionUpdate":        read(OpUpdate),
	workflowService + "PollWorkflowExecutionTimeSkipping":  read(OpRead),
	workflowService + "UpdateWorkflowExecutionOptions":     write(OpSetOptions),
	workflowService + "PauseWorkflowExecution":             writeOnce(OpPause),
	workflowService + "UnpauseWorkflowExecution":           writeOnce(OpPause),

	// Schedules.
	workflowService + "CreateSchedule":            writeOnce(OpWriteSchedules | OpStart),
	workflowService + "DescribeSchedule":          read(OpReadSchedules),
	workflowService + "UpdateSchedule":            writeOnce(OpWriteSchedules | OpStart),
	workflowService + "PatchSchedule":             writeOnce(OpPatchSchedules),
	workflowService + "ListScheduleMatchingTimes": read(OpReadSchedules),
	workflowService + "DeleteSchedule":            write(OpDeleteSchedules),
	workflowService + "ListSchedules":             read(OpReadSchedules),
	workflowService + "CountSchedules":            read(OpReadSchedules),

	// Batches.
	workflowService + "StartBatchOperation":    write(OpWriteBatches),
	workflowService + "StopBatchOperation":     write(OpWriteBatches),
	workflowService + "DescribeBatchOperation": read(OpReadBatches),
	workflowService + "ListBatchOperations":    read(OpReadBatches),

	// Workers and task queues.
	workflowService + "PollWorkflowTaskQueue":            write(OpWorkflowTasks),
	workflowService + "RespondWorkflowTaskCompleted":     write(OpWorkflowTasks),
	workflowService + "RespondWorkflowTaskFailed":        write(OpWorkflowTasks),
	workflowService + "PollActivityTaskQueue":            write(OpPollActivities),
	workflowService + "RecordActivityTaskHeartbeat":      write(OpHeartbeatActivities),
	workflowService + "RecordActivityTaskHeartbeatById":  write(OpHeartbeatActivities),
	workflowService + "RespondActivityTaskCompleted":     write(OpCompleteActivities),
	workflowService + "RespondActivityTaskCompletedById": write(OpCompleteActivities),
	workflowService + "RespondActivityTaskFailed":        write(OpCompleteActivities),
	workflowService + "RespondActivityTaskFailedById":    write(OpCompleteActivities),
	workflowService + "RespondActivityTaskCanceled":      write(OpCompleteActivities),
	workflowService + "RespondActivityTaskCanceledById":  write(OpCompleteActivities),
	workflowService + "PollNexusTaskQueue":               write(OpNexusTasks),
	workflowService + "RespondNexusTaskCompleted":        write(OpNexusTasks),
	workflowService + "RespondNexusTaskFailed":           write(OpNexusTasks),
	workflowService + "RespondQueryTaskCompleted":        write(OpWorkflowTasks),
	workflowService + "ResetStickyTaskQueue":             write(OpWorkflowTasks),
	workflowService + "ShutdownWorker":                   write(OpHeartbeatWorkers),
	workflowService + "DescribeTaskQueue":                read(OpReadTaskQueues),
	workflowService + "ListTaskQueuePartitions":          read(OpReadTaskQueues),
	workflowService + "RecordWorkerHeartbeat":            write(OpHeartbeatWorkers),
	workflowService + "ListWorkers":                      read(OpReadTaskQueues),
	workflowService + "CountWorkers":                     read(OpReadTaskQueues),
	workflowService + "DescribeWorker":                   read(OpReadTaskQueues),
	workflowService + "UpdateTaskQueueConfig":            write(OpWriteTaskQueues),
	workflowService + "FetchWorkerConfig":                read(OpReadTaskQueues),
	workflowService + "UpdateWorkerConfig":               write(OpWriteTaskQueues),

	// Worker deployments and versions.
	workflowService + "UpdateWorkerBuildIdCompatibility":             write(OpWriteTaskQueues),
	workflowService + "GetWorkerBuildIdCompatibility":                read(OpReadTaskQueues),
	workflowService + "UpdateWorkerVersioningRules":                  write(OpWriteTaskQueues),
	workflowService + "GetWorkerVersioningRules":                     read(OpReadTaskQueues),
	workflowService + "GetWorkerTaskReachability":                    read(OpReadTaskQueues),
	workflowService + "DescribeDeployment":                           read(OpReadDeployments),
	workflowService + "ListDeployments":                              read(OpReadDeployments),
	workflowService + "GetDeploymentReachability":                    read(OpReadDeployments),
	workflowService + "GetCurrentDeployment":                         read(OpReadDeployments),
	workflowService + "SetCurrentDeployment":                         write(OpWriteDeployments),
	workflowService + "DescribeWorkerDeploymentVersion":              read(OpReadDeployments),
	workflowService + "DescribeWorkerDeployment":                     read(OpReadDeployments),
	workflowService + "SetWorkerDeploymentCurrentVersion":            write(OpWriteDeployments),
	workflowService + "SetWorkerDeploymentRampingVersion":            write(OpWriteDeployments),
	workflowService + "SetWorkerDeploymentManager":                   write(OpWriteDeployments),
	workflowService + "CreateWorkerDeployment":                       writeOnce(OpWriteDeployments),
	workflowService + "DeleteWorkerDeployment":                       write(OpDeleteDeployments),
	workflowService + "CreateWorkerDeploymentVersion":                writeOnce(OpWriteDeployments),
	workflowService + "UpdateWorkerDeploymentVersionComputeConfig":   writeOnce(OpWriteDeployments),
	workflowService + "ValidateWorkerDeploymentVersionComputeConfig": write(OpWriteDeployments), // updates the version's system workflow, or starts one
	workflowService + "DeleteWorkerDeploymentVersion":                write(OpDeleteDeployments),
	workflowService + "UpdateWorkerDeploymentVersionMetadata":        write(OpWriteDeployments),
	workflowService + "ListWorkerDeployments":                        read(OpReadDeployments),

	// Workflow rules.
	workflowService + "CreateWorkflowRule":   writeOnce(OpWriteRules),
	workflowService + "DescribeWorkflowRule": read(OpReadRules),
	workflowService + "DeleteWorkflowRule":   write(OpWriteRules),
	workflowService + "ListWorkflowRules":    read(OpReadRules),
	workflowService + "TriggerWorkflowRule":  write(OpWriteRules),

	// Activities without a workflow, and activity options.
	workflowService + "CountActivityExecutions":        read(OpReadActivities),
	workflowService + "DeleteActivityExecution":        write(OpDeleteActivities),
	workflowService + "DescribeActivityExecution":      read(OpReadActivities),
	workflowService + "PollActivityExecution":          read(OpReadActivities),
	workflowService + "ListActivityExecutions":         read(OpReadActivities),
	workflowService + "RequestCancelActivityExecution": writeOnce(OpControlActivities),
	workflowService + "StartActivityExecution":         writeOnce(OpStartActivities),
	workflowService + "TerminateActivityExecution":     writeOnce(OpControlActivities),
	workflowService + "UpdateActivityOptions":          write(OpControlActivities),
	workflowService + "PauseActivity":                  writeOnce(OpControlActivities),
	workflowService + "UnpauseActivity":                write(OpControlActivities),
	workflowService + "ResetActivity":                  write(OpControlActivities),
	workflowService + "UpdateActivityExecutionOptions": writeOnce(OpControlActivities),
	workflowService + "PauseActivityExecution":         writeOnce(OpControlActivities),
	workflowService + "UnpauseActivityExecution":       writeOnce(OpControlActivities),
	workflowService + "ResetActivityExecution":         writeOnce(OpControlActivities),

	// Nexus operations without a workflow.
	workflowService + "CountNexusOperationExecutions":        read(OpReadNexusOperations),
	workflowService + "DeleteNexusOperationExecution":        write(OpDeleteNexusOperations),
	workflowService + "DescribeNexusOperationExecution":      read(OpReadNexusOperations),
	workflowService + "PollNexusOperationExecution":          read(OpReadNexusOperations),
	workflowService + "ListNexusOperationExecutions":         read(OpReadNexusOperations),
	workflowService + "RequestCancelNexusOperationExecution": writeOnce(OpControlNexusOperations),
	workflowService + "StartNexusOperationExecution":         writeOnce(OpStartNexusOperations),
	workflowService + "TerminateNexusOperationExecution":     writeOnce(OpControlNexusOperations),

	// Namespaces and cluster.
	workflowService + "RegisterNamespace":   admin(OpWriteNamespace),
	workflowService + "DescribeNamespace":   read(OpReadNamespace),
	workflowService + "ListNamespaces":      clusterRead(),
	workflowService + "UpdateNamespace":     admin(OpWriteNamespace),
	workflowService + "DeprecateNamespace":  admin(OpWriteNamespace),
	workflowService + "GetSearchAttributes": clusterRead(),
	workflowService + "GetClusterInfo":      clusterRead(),
	workflowService + "GetSystemInfo":       open(),

	// The operator service.
	operatorService + "AddSearchAttributes":      admin(OpWriteNamespace),
	operatorService + "RemoveSearchAttributes":   admin(OpWriteNamespace),
	operatorService + "ListSearchAttributes":     read(OpReadNamespace),
	operatorService + "DeleteNamespace":          admin(OpDeleteNamespace),
	operatorService + "AddOrUpdateRemoteCluster": clusterAdmin(),
	operatorService + "RemoveRemoteCluster":      clusterAdmin(),
	operatorService + "ListClusters":             clusterAdminRead(),
	operatorService + "CreateNexusEndpoint":      clusterAdmin(),
	operatorService + "UpdateNexusEndpoint":      clusterAdmin(),
	operatorService + "DeleteNexusEndpoint":      clusterAdmin(),
	operatorService + "GetNexusEndpoint":         clusterAdminRead(),
	operatorService + "ListNexusEndpoints":       clusterAdminRead(),
}
