package namespace

import (
	"go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/flowgate/flowgate/internal/transcode"
)

// views are the JSON forms of a namespace, in the responses of the RPCs that return one.
type views struct{ description, updated, list *transcode.Plan }

func newViews() views {
	plans := transcode.NewPlans()
	return views{
		description: plans.View((&workflowservice.DescribeNamespaceResponse{}).ProtoReflect().Descriptor(), namespaceView()),
		updated:     plans.View((&workflowservice.UpdateNamespaceResponse{}).ProtoReflect().Descriptor(), namespaceView()),
		list: plans.View((&workflowservice.ListNamespacesResponse{}).ProtoReflect().Descriptor(), []transcode.ViewField{
			{Field: "namespaces", As: "namespaces", Always: true, View: namespaceView()},
		}),
	}
}

func namespaceView() []transcode.ViewField {
	return []transcode.ViewField{
		{Field: "namespace_info", Always: true, View: []transcode.ViewField{
			{Field: "name", As: "name", Always: true},
			{Field: "id", As: "id"},
			{Field: "state", As: "state", Always: true},
			{Field: "description", As: "description"},
			{Field: "owner_email", As: "ownerEmail"},
			{Field: "data", As: "data"},
			{Field: "capabilities", As: "capabilities", View: capabilitiesView()},
			{Field: "supports_schedules", As: "supportsSchedules"},
			{Field: "limits", As: "limits", View: []transcode.ViewField{
				{Field: "blob_size_limit_error", As: "blobSizeLimitError"},
				{Field: "memo_size_limit_error", As: "memoSizeLimitError"},
				{Field: "workflow_task_completion_size_limit_error", As: "workflowTaskCompletionSizeLimitError"},
			}},
		}},
		{Field: "config", View: []transcode.ViewField{
			{Field: "workflow_execution_retention_ttl", As: "retention"},
			{Field: "history_archival_state", As: "historyArchivalState"},
			{Field: "history_archival_uri", As: "historyArchivalUri"},
			{Field: "visibility_archival_state", As: "visibilityArchivalState"},
			{Field: "visibility_archival_uri", As: "visibilityArchivalUri"},
			{Field: "custom_search_attribute_aliases", As: "customSearchAttributeAliases"},
		}},
		{Field: "replication_config", As: "replicationConfig", View: []transcode.ViewField{
			{Field: "active_cluster_name", As: "activeClusterName"},
			{Field: "clusters", As: "clusters", View: []transcode.ViewField{{Field: "cluster_name", As: "clusterName", Always: true}}},
			{Field: "state", As: "state"},
		}},
		{Field: "failover_version", As: "failoverVersion"},
		{Field: "is_global_namespace", As: "isGlobalNamespace", Always: true},
	}
}

// capabilitiesView has every capability that the gateway's version of Temporal's API
// declares, false ones too. An absent one is newer than the gateway.
func capabilitiesView() []transcode.ViewField {
	var view []transcode.ViewField
	fields := (&namespace.NamespaceInfo_Capabilities{}).ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		if field := fields.Get(i); field.Kind() == protoreflect.BoolKind {
			view = append(view, transcode.ViewField{Field: string(field.Name()), As: field.JSONName(), Always: true})
		}
	}
	return view
}
