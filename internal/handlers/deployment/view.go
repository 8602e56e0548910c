//nolint:goconst // field names and JSON names that happen to be equal
package deployment

import (
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/transcode"
)

// views are the JSON forms of a deployment, of a list of deployments, and of a deployment
// in a list.
type views struct{ description, list, item *transcode.Plan }

func newViews() views {
	plans := transcode.NewPlans()
	return views{
		description: plans.View((&workflowservice.DescribeWorkerDeploymentResponse{}).ProtoReflect().Descriptor(), []transcode.ViewField{
			{Field: "worker_deployment_info", Always: true, View: []transcode.ViewField{
				{Field: "name", As: "name", Always: true},
				{Field: "create_time", As: "createTime"},
				{Field: "routing_config", As: "routingConfig", Always: true, View: routingView()},
				{Field: "routing_config_update_state", As: "routingConfigUpdateState"},
				{Field: "last_modifier_identity", As: "lastModifierIdentity"},
				{Field: "manager_identity", As: "managerIdentity"},
				{Field: "version_summaries", As: "versions", Always: true, View: versionView()},
			}},
		}),
		list: plans.View((&workflowservice.ListWorkerDeploymentsResponse{}).ProtoReflect().Descriptor(), []transcode.ViewField{
			{Field: "worker_deployments", As: "deployments", Always: true, View: itemView()},
		}),
		item: plans.View((&workflowservice.ListWorkerDeploymentsResponse_WorkerDeploymentSummary{}).ProtoReflect().Descriptor(), itemView()),
	}
}

func itemView() []transcode.ViewField {
	return []transcode.ViewField{
		{Field: "name", As: "name", Always: true},
		{Field: "create_time", As: "createTime"},
		{Field: "routing_config", As: "routingConfig", Always: true, View: routingView()},
		{Field: "latest_version_summary", As: "latestVersion", View: versionView()},
		{Field: "current_version_summary", As: "currentVersion", View: versionView()},
		{Field: "ramping_version_summary", As: "rampingVersion", View: versionView()},
	}
}

func routingView() []transcode.ViewField {
	version := []transcode.ViewField{
		{Field: "deployment_name", As: "deploymentName", Always: true}, {Field: "build_id", As: "buildId", Always: true},
	}
	return []transcode.ViewField{
		{Field: "current_deployment_version", As: "currentVersion", View: version},
		{Field: "ramping_deployment_version", As: "rampingVersion", View: version},
		{Field: "ramping_version_percentage", As: "rampingVersionPercentage"},
		{Field: "current_version_changed_time", As: "currentVersionChangedTime"},
		{Field: "ramping_version_changed_time", As: "rampingVersionChangedTime"},
		{Field: "ramping_version_percentage_changed_time", As: "rampingVersionPercentageChangedTime"},
		{Field: "revision_number", As: "revisionNumber"},
	}
}

func versionView() []transcode.ViewField {
	return []transcode.ViewField{
		{Field: "deployment_version", Always: true, View: []transcode.ViewField{{Field: "build_id", As: "buildId", Always: true}}},
		{Field: "status", As: "status"},
		{Field: "create_time", As: "createTime"},
		{Field: "routing_update_time", As: "routingChangedTime"},
		{Field: "current_since_time", As: "currentSinceTime"},
		{Field: "ramping_since_time", As: "rampingSinceTime"},
		{Field: "first_activation_time", As: "firstActivationTime"},
		{Field: "last_current_time", As: "lastCurrentTime"},
		{Field: "last_deactivation_time", As: "lastDeactivationTime"},
		{Field: "drainage_info", As: "drainage", View: []transcode.ViewField{
			{Field: "status", As: "status"},
			{Field: "last_changed_time", As: "lastChangedTime"},
			{Field: "last_checked_time", As: "lastCheckedTime"},
		}},
	}
}
