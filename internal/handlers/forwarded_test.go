package handlers_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func TestSkipArchivalReachesTheServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		g.Upstream.Handle("GetWorkflowExecutionHistory", upstreamtest.Respond(&workflowservice.GetWorkflowExecutionHistoryResponse{}))
		for query, want := range map[string]string{"": "false", "?skipArchival=false": "false", "?skipArchival=true": "true"} {
			a := g.Do(t, http.MethodGet, servertest.OrderPath+"/history"+query, "")
			require.Equal(t, http.StatusOK, a.Status, a.Body)
			calls := g.Upstream.Calls("GetWorkflowExecutionHistory")
			require.Equal(t, want, servertest.FieldText(servertest.DecodeRequest(t, calls[len(calls)-1]), "skip_archival"), query)
		}
	})
}

// TestListedMetadataKeysReachTheServer: getClient returns the metadataKeys that a caller may send; others are rejected.
func TestListedMetadataKeysReachTheServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) { cfg.Upstream.CallerMetadata = []string{"x-tenant"} }})
		temporalfake.NewWorkflow(g.Upstream)
		client := g.Do(t, http.MethodGet, "/v1/namespaces/default/client", "")
		require.JSONEq(t, `["x-tenant"]`, client.Field(t, "metadataKeys"))
		a := g.Do(t, http.MethodGet, servertest.OrderPath, "", "Grpc-Metadata-X-Tenant", "blue")
		require.Equal(t, http.StatusOK, a.Status, a.Body)
		calls := g.Upstream.Calls("DescribeWorkflowExecution")
		require.Len(t, calls, 1)
		require.Equal(t, []string{"blue"}, calls[0].Metadata.Get("x-tenant"))
		a = g.Do(t, http.MethodGet, servertest.OrderPath, "", "Grpc-Metadata-X-Other", "2")
		require.Equal(t, "metadata-not-allowed", a.Field(t, "code"), a.Body)
		require.Len(t, g.Upstream.Calls("DescribeWorkflowExecution"), 1)
	})
}
