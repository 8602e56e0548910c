package gateway_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// The operation getClient lists the metadata keys that a caller may send. Other keys are rejected.
func TestListedMetadataKeysReachTheServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) { cfg.Upstream.CallerMetadata = []string{"x-tenant"} }})
		temporalfake.NewWorkflow(g.Upstream)
		client := g.Do(t, http.MethodGet, "/v1/namespaces/default/client", "")
		require.JSONEq(t, `["x-tenant"]`, client.Field(t, "metadataKeys"))
		resp := g.Do(t, http.MethodGet, servertest.OrderPath, "", "Grpc-Metadata-X-Tenant", "blue")
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		calls := g.Upstream.Calls("DescribeWorkflowExecution")
		require.Len(t, calls, 1)
		require.Equal(t, []string{"blue"}, calls[0].Metadata.Get("x-tenant"))
		resp = g.Do(t, http.MethodGet, servertest.OrderPath, "", "Grpc-Metadata-X-Other", "2")
		require.Equal(t, "metadata-not-allowed", resp.Field(t, "code"), resp.Body)
		require.Len(t, g.Upstream.Calls("DescribeWorkflowExecution"), 1)
	})
}

func TestGetClientReturnsTheSettingsInForce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) {
			cfg.Limits.MaxWait = 1500 * time.Millisecond
			cfg.Upstream.Retry.MaxAttempts = 3
			cfg.Namespaces = map[string]config.Namespace{"default": {QueryRejectCondition: "NOT_OPEN"}}
		}})
		resp := g.Do(t, http.MethodGet, "/v1/namespaces/default/client", "", servertest.Bearer(servertest.ReaderKey)...)
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		require.Contains(t, resp.Field(t, "limits"), `"maxWait":"1.5s"`)
		require.Contains(t, resp.Field(t, "retry"), `"maxAttempts":3`)
		require.Equal(t, []string{"read", "NOT_OPEN"}, []string{resp.Field(t, "role"), resp.Field(t, "queryRejectCondition")})
	})
}

// A capability that the server does not have is false. One that the gateway does not know is absent.
func TestEveryCapabilityIsReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		g.Upstream.Handle("GetSystemInfo", upstreamtest.Respond(&workflowservice.GetSystemInfoResponse{
			ServerVersion: "1.2.3", Capabilities: &workflowservice.GetSystemInfoResponse_Capabilities{SupportsSchedules: true},
		}))
		resp := g.Do(t, http.MethodGet, "/v1/system-info", "")
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		require.JSONEq(t, `{"version":"test"}`, resp.Field(t, "gateway"))
		require.Contains(t, resp.Field(t, "server"), `"version":"1.2.3"`)
		require.Contains(t, resp.Field(t, "server"), `"supportsSchedules":true`)
		require.Contains(t, resp.Field(t, "server"), `"nexus":false`)
	})
}
