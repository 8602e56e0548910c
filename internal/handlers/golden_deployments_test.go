package handlers_test

import (
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/deployment/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
)

const deploymentsPath = "/v1/namespaces/default/deployments"

func ordersVersion(buildID string) *deployment.WorkerDeploymentVersion {
	return &deployment.WorkerDeploymentVersion{DeploymentName: "orders", BuildId: buildID}
}

func goldenRouting() *deployment.RoutingConfig {
	return &deployment.RoutingConfig{
		CurrentDeploymentVersion: ordersVersion("2026-11-20"), CurrentVersionChangedTime: minuteTime(5),
		RampingDeploymentVersion: ordersVersion("2026-11-27"), RampingVersionPercentage: 12.5,
		RampingVersionChangedTime: minuteTime(20), RampingVersionPercentageChangedTime: minuteTime(25), RevisionNumber: 3,
	}
}

func rampingSummary() *deployment.WorkerDeploymentInfo_WorkerDeploymentVersionSummary {
	return &deployment.WorkerDeploymentInfo_WorkerDeploymentVersionSummary{
		DeploymentVersion: ordersVersion("2026-11-27"), Status: enums.WORKER_DEPLOYMENT_VERSION_STATUS_RAMPING, CreateTime: minuteTime(15),
		RoutingUpdateTime: minuteTime(25), RampingSinceTime: minuteTime(20), FirstActivationTime: minuteTime(20),
	}
}

func currentSummary() *deployment.WorkerDeploymentInfo_WorkerDeploymentVersionSummary {
	return &deployment.WorkerDeploymentInfo_WorkerDeploymentVersionSummary{
		DeploymentVersion: ordersVersion("2026-11-20"), Status: enums.WORKER_DEPLOYMENT_VERSION_STATUS_CURRENT, CreateTime: minuteTime(0),
		RoutingUpdateTime: minuteTime(5), CurrentSinceTime: minuteTime(5), FirstActivationTime: minuteTime(5), LastCurrentTime: minuteTime(5),
	}
}

func goldenDeployments() *workflowservice.ListWorkerDeploymentsResponse {
	return &workflowservice.ListWorkerDeploymentsResponse{
		NextPageToken: []byte("next"),
		WorkerDeployments: []*workflowservice.ListWorkerDeploymentsResponse_WorkerDeploymentSummary{{
			Name: "orders", CreateTime: minuteTime(0), RoutingConfig: goldenRouting(),
			LatestVersionSummary: rampingSummary(), CurrentVersionSummary: currentSummary(), RampingVersionSummary: rampingSummary(),
		}},
	}
}

func goldenDeployment() *workflowservice.DescribeWorkerDeploymentResponse {
	return &workflowservice.DescribeWorkerDeploymentResponse{
		ConflictToken: []byte("token"),
		WorkerDeploymentInfo: &deployment.WorkerDeploymentInfo{
			Name: "orders", CreateTime: minuteTime(0), RoutingConfig: goldenRouting(), LastModifierIdentity: "dev", ManagerIdentity: "pipeline",
			RoutingConfigUpdateState: enums.ROUTING_CONFIG_UPDATE_STATE_COMPLETED,
			VersionSummaries: []*deployment.WorkerDeploymentInfo_WorkerDeploymentVersionSummary{
				rampingSummary(), currentSummary(),
				{
					DeploymentVersion: ordersVersion("2026-11-13"), Status: enums.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINED,
					DrainageInfo: &deployment.VersionDrainageInfo{
						Status: enums.VERSION_DRAINAGE_STATUS_DRAINED, LastChangedTime: minuteTime(8), LastCheckedTime: minuteTime(8),
					},
				},
			},
		},
	}
}

func goldenVersion() *workflowservice.DescribeWorkerDeploymentVersionResponse {
	return &workflowservice.DescribeWorkerDeploymentVersionResponse{
		WorkerDeploymentVersionInfo: &deployment.WorkerDeploymentVersionInfo{
			DeploymentVersion: ordersVersion("2026-11-20"), Status: enums.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINING, CreateTime: minuteTime(0),
			RoutingChangedTime: minuteTime(30), FirstActivationTime: minuteTime(5), LastCurrentTime: minuteTime(5), LastDeactivationTime: minuteTime(30),
			LastModifierIdentity: "dev",
			DrainageInfo: &deployment.VersionDrainageInfo{
				Status: enums.VERSION_DRAINAGE_STATUS_DRAINING, LastChangedTime: minuteTime(30), LastCheckedTime: minuteTime(33),
			},
			Metadata: &deployment.VersionMetadata{Entries: map[string]*common.Payload{"commit": jsonPayload(`"5f0e7c3a"`)}},
		},
		VersionTaskQueues: []*workflowservice.DescribeWorkerDeploymentVersionResponse_VersionTaskQueue{
			{
				Name: "orders", Type: enums.TASK_QUEUE_TYPE_WORKFLOW, Stats: &taskqueue.TaskQueueStats{ApproximateBacklogCount: 2, TasksAddRate: 0.5, TasksDispatchRate: 0.25},
				StatsByPriorityKey: map[int32]*taskqueue.TaskQueueStats{3: {ApproximateBacklogCount: 2}},
			},
			{Name: "orders", Type: enums.TASK_QUEUE_TYPE_ACTIVITY},
		},
	}
}
