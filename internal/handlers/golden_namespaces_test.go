package handlers_test

import (
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/replication/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// asRoot returns the exchange with the key that has the role admin.
func asRoot(e exchange) exchange {
	e.headers = append(e.headers, servertest.Bearer(servertest.RootKey)...)
	return e
}

func goldenNamespace() *workflowservice.DescribeNamespaceResponse {
	return &workflowservice.DescribeNamespaceResponse{
		NamespaceInfo: &namespace.NamespaceInfo{
			Name: "default", Id: "5f0e7c3a-9d52-4f1f-8a2b-6c010198f3c2", State: enums.NAMESPACE_STATE_REGISTERED, Description: "The workflows of team A",
			OwnerEmail: "team-a@example.com", Data: map[string]string{"cost-centre": "17"}, SupportsSchedules: true,
			Capabilities: &namespace.NamespaceInfo_Capabilities{SyncUpdate: true, AsyncUpdate: true},
			Limits:       &namespace.NamespaceInfo_Limits{BlobSizeLimitError: 2097152, MemoSizeLimitError: 2097152},
		},
		Config: &namespace.NamespaceConfig{
			WorkflowExecutionRetentionTtl: durationpb.New(72 * time.Hour), HistoryArchivalState: enums.ARCHIVAL_STATE_DISABLED,
			VisibilityArchivalState: enums.ARCHIVAL_STATE_DISABLED, CustomSearchAttributeAliases: map[string]string{"Keyword01": "CustomerId"},
		},
		ReplicationConfig: &replication.NamespaceReplicationConfig{
			ActiveClusterName: "active", Clusters: []*replication.ClusterReplicationConfig{{ClusterName: "active"}}, State: enums.REPLICATION_STATE_NORMAL,
		},
	}
}

func respondToSearchAttributes(up *upstreamtest.Server) {
	up.Handle("ListSearchAttributes", upstreamtest.Respond(&operatorservice.ListSearchAttributesResponse{
		CustomAttributes: map[string]enums.IndexedValueType{"CustomerId": enums.INDEXED_VALUE_TYPE_KEYWORD},
		SystemAttributes: map[string]enums.IndexedValueType{"StartTime": enums.INDEXED_VALUE_TYPE_DATETIME},
	}))
	up.Handle("AddSearchAttributes", upstreamtest.Respond(&operatorservice.AddSearchAttributesResponse{}))
	up.Handle("RemoveSearchAttributes", upstreamtest.Respond(&operatorservice.RemoveSearchAttributesResponse{}))
}
