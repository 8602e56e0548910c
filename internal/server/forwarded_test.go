package server_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func TestSkipArchivalReachesTheServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{})
		g.upstream.Handle("GetWorkflowExecutionHistory", upstreamtest.Respond(&workflowservice.GetWorkflowExecutionHistoryResponse{}))
		for query, want := range map[string]string{"": "false", "?skipArchival=false": "false", "?skipArchival=true": "true"} {
			a := g.do(t, http.MethodGet, order+"/history"+query, "")
			require.Equal(t, http.StatusOK, a.status, a.body)
			calls := g.upstream.Calls("GetWorkflowExecutionHistory")
			require.Equal(t, want, text(requestOf(t, calls[len(calls)-1]), "skip_archival"), query)
		}
	})
}

// TestTheMetadataThatIsToldReachesTheServer: getClient tells the metadataKeys that a caller may send, and no other is taken.
func TestTheMetadataThatIsToldReachesTheServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{configure: func(cfg *config.Config) { cfg.Upstream.CallerMetadata = []string{"x-tenant"} }})
		newFakeWorkflow(g.upstream)
		client := g.do(t, http.MethodGet, "/v1/namespaces/default/client", "")
		require.JSONEq(t, `["x-tenant"]`, client.field(t, "metadataKeys"))
		a := g.do(t, http.MethodGet, order, "", "Grpc-Metadata-X-Tenant", "blue")
		require.Equal(t, http.StatusOK, a.status, a.body)
		calls := g.upstream.Calls("DescribeWorkflowExecution")
		require.Len(t, calls, 1)
		require.Equal(t, []string{"blue"}, calls[0].Metadata.Get("x-tenant"))
		a = g.do(t, http.MethodGet, order, "", "Grpc-Metadata-X-Other", "2")
		require.Equal(t, "metadata-not-allowed", a.field(t, "code"), a.body)
		require.Len(t, g.upstream.Calls("DescribeWorkflowExecution"), 1)
	})
}
