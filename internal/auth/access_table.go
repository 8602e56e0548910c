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
	workflowService + "StartWorkflowExecution":             writeOnce(),
	workflowService + "GetWorkflowExecutionHistory":        read(),
	workflowService + "GetWorkflowExecutionHistoryReverse": read(),
	workflowService + "RequestCancelWorkflowExecution":     writeOnce(),
	workflowService + "SignalWorkflowExecution":            writeOnce(),
	workflowService + "SignalWithStartWorkflowExecution":   writeOnce(),
	workflowService + "ResetWorkflowExecution":             write(), // the server does not store the request id: a second attempt resets again
	workflowService + "TerminateWorkflowExecution":         write(),
	workflowService + "DeleteWorkflowExecution":            write(),
	workflowService + "ListOpenWorkflowExecutions":         read(),
	workflowService + "ListClosedWorkflowExecutions":       read(),
	workflowService + "ListWorkflowExecutions":             read(),
	workflowService + "ListArchivedWorkflowExecutions":     read(),
	workflowService + "ScanWorkflowExecutions":             read(),
	workflowService + "CountWorkflowExecutions":            read(),
	workflowService + "ExecuteMultiOperation":              writeOnce(),
	workflowService + "QueryWorkflow":                      read(),
	workflowService + "DescribeWorkflowExecution":          read(),
	workflowService + "UpdateWorkflowExecution":            writeOnce(),
	workflowService + "PollWorkflowExecutionUpdate":        read(),
	workflowService + "PollWorkflowExecutionTimeSkipping":  read(),
	workflowService + "UpdateWorkflowExecutionOptions":     write(),
	workflowService + "PauseWorkflowExecution":             writeOnce(),
	workflowService + "UnpauseWorkflowExecution":           writeOnce(),

	// Schedules.
	workflowService + "CreateSchedule":            writeOnce(),
	workflowService + "DescribeSchedule":          read(),
	workflowService + "UpdateSchedule":            writeOnce(),
	workflowService + "PatchSchedule":             writeOnce(),
	workflowService + "ListScheduleMatchingTimes": read(),
	workflowService + "DeleteSchedule":            write(),
	workflowService + "ListSchedules":             read(),
	workflowService + "CountSchedules":            read(),

	// Batches.
	workflowService + "StartBatchOperation":    write(),
	workflowService + "StopBatchOperation":     write(),
	workflowService + "DescribeBatchOperation": read(),
	workflowService + "ListBatchOperations":    read(),

	// Workers and task queues.
	workflowService + "PollWorkflowTaskQueue":            write(),
	workflowService + "RespondWorkflowTaskCompleted":     write(),
	workflowService + "RespondWorkflowTaskFailed":        write(),
	workflowService + "PollActivityTaskQueue":            write(),
	workflowService + "RecordActivityTaskHeartbeat":      write(),
	workflowService + "RecordActivityTaskHeartbeatById":  write(),
	workflowService + "RespondActivityTaskCompleted":     write(),
	workflowService + "RespondActivityTaskCompletedById": write(),
	workflowService + "RespondActivityTaskFailed":        write(),
	workflowService + "RespondActivityTaskFailedById":    write(),
	workflowService + "RespondActivityTaskCanceled":      write(),
	workflowService + "RespondActivityTaskCanceledById":  write(),
	workflowService + "PollNexusTaskQueue":               write(),
	workflowService + "RespondNexusTaskCompleted":        write(),
	workflowService + "RespondNexusTaskFailed":           write(),
	workflowService + "RespondQueryTaskCompleted":        write(),
	workflowService + "ResetStickyTaskQueue":             write(),
	workflowService + "ShutdownWorker":                   write(),
	workflowService + "DescribeTaskQueue":                read(),
	workflowService + "ListTaskQueuePartitions":          read(),
	workflowService + "RecordWorkerHeartbeat":            write(),
	workflowService + "ListWorkers":                      read(),
	workflowService + "CountWorkers":                     read(),
	workflowService + "DescribeWorker":                   read(),
	workflowService + "UpdateTaskQueueConfig":            write(),
	workflowService + "FetchWorkerConfig":                read(),
	workflowService + "UpdateWorkerConfig":               write(),

	// Worker deployments and versions.
	workflowService + "UpdateWorkerBuildIdCompatibility":             write(),
	workflowService + "GetWorkerBuildIdCompatibility":                read(),
	workflowService + "UpdateWorkerVersioningRules":                  write(),
	workflowService + "GetWorkerVersioningRules":                     read(),
	workflowService + "GetWorkerTaskReachability":                    read(),
	workflowService + "DescribeDeployment":                           read(),
	workflowService + "ListDeployments":                              read(),
	workflowService + "GetDeploymentReachability":                    read(),
	workflowService + "GetCurrentDeployment":                         read(),
	workflowService + "SetCurrentDeployment":                         write(),
	workflowService + "DescribeWorkerDeploymentVersion":              read(),
	workflowService + "DescribeWorkerDeployment":                     read(),
	workflowService + "SetWorkerDeploymentCurrentVersion":            write(),
	workflowService + "SetWorkerDeploymentRampingVersion":            write(),
	workflowService + "SetWorkerDeploymentManager":                   write(),
	workflowService + "CreateWorkerDeployment":                       writeOnce(),
	workflowService + "DeleteWorkerDeployment":                       write(),
	workflowService + "CreateWorkerDeploymentVersion":                writeOnce(),
	workflowService + "UpdateWorkerDeploymentVersionComputeConfig":   writeOnce(),
	workflowService + "ValidateWorkerDeploymentVersionComputeConfig": write(), // updates the version's system workflow, or starts one
	workflowService + "DeleteWorkerDeploymentVersion":                write(),
	workflowService + "UpdateWorkerDeploymentVersionMetadata":        write(),
	workflowService + "ListWorkerDeployments":                        read(),

	// Workflow rules.
	workflowService + "CreateWorkflowRule":   writeOnce(),
	workflowService + "DescribeWorkflowRule": read(),
	workflowService + "DeleteWorkflowRule":   write(),
	workflowService + "ListWorkflowRules":    read(),
	workflowService + "TriggerWorkflowRule":  write(),

	// Activities without a workflow, and activity options.
	workflowService + "CountActivityExecutions":        read(),
	workflowService + "DeleteActivityExecution":        write(),
	workflowService + "DescribeActivityExecution":      read(),
	workflowService + "PollActivityExecution":          read(),
	workflowService + "ListActivityExecutions":         read(),
	workflowService + "RequestCancelActivityExecution": writeOnce(),
	workflowService + "StartActivityExecution":         writeOnce(),
	workflowService + "TerminateActivityExecution":     writeOnce(),
	workflowService + "UpdateActivityOptions":          write(),
	workflowService + "PauseActivity":                  writeOnce(),
	workflowService + "UnpauseActivity":                write(),
	workflowService + "ResetActivity":                  write(),
	workflowService + "UpdateActivityExecutionOptions": writeOnce(),
	workflowService + "PauseActivityExecution":         writeOnce(),
	workflowService + "UnpauseActivityExecution":       writeOnce(),
	workflowService + "ResetActivityExecution":         writeOnce(),

	// Nexus operations without a workflow.
	workflowService + "CountNexusOperationExecutions":        read(),
	workflowService + "DeleteNexusOperationExecution":        write(),
	workflowService + "DescribeNexusOperationExecution":      read(),
	workflowService + "PollNexusOperationExecution":          read(),
	workflowService + "ListNexusOperationExecutions":         read(),
	workflowService + "RequestCancelNexusOperationExecution": writeOnce(),
	workflowService + "StartNexusOperationExecution":         writeOnce(),
	workflowService + "TerminateNexusOperationExecution":     writeOnce(),

	// Namespaces and cluster.
	workflowService + "RegisterNamespace":   admin(),
	workflowService + "DescribeNamespace":   read(),
	workflowService + "ListNamespaces":      clusterRead(),
	workflowService + "UpdateNamespace":     admin(),
	workflowService + "DeprecateNamespace":  admin(),
	workflowService + "GetSearchAttributes": clusterRead(),
	workflowService + "GetClusterInfo":      clusterRead(),
	workflowService + "GetSystemInfo":       open(),

	// The operator service.
	operatorService + "AddSearchAttributes":      admin(),
	operatorService + "RemoveSearchAttributes":   admin(),
	operatorService + "ListSearchAttributes":     read(),
	operatorService + "DeleteNamespace":          admin(),
	operatorService + "AddOrUpdateRemoteCluster": clusterAdmin(),
	operatorService + "RemoveRemoteCluster":      clusterAdmin(),
	operatorService + "ListClusters":             clusterAdminRead(),
	operatorService + "CreateNexusEndpoint":      clusterAdmin(),
	operatorService + "UpdateNexusEndpoint":      clusterAdmin(),
	operatorService + "DeleteNexusEndpoint":      clusterAdmin(),
	operatorService + "GetNexusEndpoint":         clusterAdminRead(),
	operatorService + "ListNexusEndpoints":       clusterAdminRead(),
}
