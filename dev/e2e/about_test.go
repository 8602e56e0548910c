package e2e_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
)

func TestClientReportsEffectiveSettings(t *testing.T) {
	t.Parallel()
	type client struct {
		Namespace, Identity, Principal, Role, QueryRejectCondition, CredentialMode string
		MetadataKeys                                                               []string
		Limits                                                                     struct{ MaxWait, RequestBudget string }
	}
	settings := func(c caller, namespace string) client {
		return as[client](t, c.get(t, "/v1/namespaces/"+namespace+"/client").expect(t, http.StatusOK))
	}
	got := settings(writer(), "default")
	require.Equal(t, []string{"default", writerKeyID, writerKeyID, "write", "NONE", "none"},
		[]string{got.Namespace, got.Identity, got.Principal, got.Role, got.QueryRejectCondition, got.CredentialMode})
	require.Equal(t, []string{"trace-id"}, got.MetadataKeys)
	require.Equal(t, []string{"55s", "58s"}, []string{got.Limits.MaxWait, got.Limits.RequestBudget})
	require.Equal(t, "read", settings(reader(), "default").Role)
	require.Equal(t, "NOT_OPEN", settings(bearer(threeNamespacesKey), otherNamespace).QueryRejectCondition)
}

func TestPrincipalsMayReadSystemInfo(t *testing.T) {
	t.Parallel()
	want, err := shared.server.GetSystemInfo(t.Context(), &workflowservice.GetSystemInfoRequest{})
	require.NoError(t, err)
	for _, c := range []caller{writer(), reader(), bearer(threeNamespacesKey)} {
		info := as[struct {
			Gateway struct{ Version string }
			Server  struct {
				Version      string
				Capabilities map[string]bool
			}
		}](t, c.get(t, "/v1/system-info").expect(t, http.StatusOK))
		require.NotEmpty(t, info.Gateway.Version)
		require.Equal(t, want.GetServerVersion(), info.Server.Version)
		require.True(t, info.Server.Capabilities["supportsSchedules"])
		require.Contains(t, info.Server.Capabilities, "nexus")
		require.Equal(t, want.GetCapabilities().GetNexus(), info.Server.Capabilities["nexus"])
	}
}

func TestDocumentIsServedUnchanged(t *testing.T) {
	t.Parallel()
	for _, c := range []caller{anonymous(), writer(), bearer("nonsense")} {
		for file, path := range map[string]string{"openapi.yaml": "/v1/openapi.yaml", "openapi.json": "/v1/openapi.json"} {
			want, err := fs.ReadFile(os.DirFS("../../api"), file)
			require.NoError(t, err)
			got := c.get(t, path).expect(t, http.StatusOK).body
			require.True(t, bytes.Equal(want, got), "%s differs from api/%s: is the gateway up to date?", path, file)
		}
	}
	require.True(t, json.Valid(anonymous().get(t, "/v1/openapi.json").body))
}

func TestWellFormedRequestIDIsKept(t *testing.T) {
	t.Parallel()
	const path = "/v1/system-info"
	require.Equal(t, "checkout-7f3a", writer().with("X-Request-Id", "checkout-7f3a").get(t, path).header.Get("X-Request-Id"))
	const malformed = "has spaces"
	generated := writer().with("X-Request-Id", malformed).get(t, path).header.Get("X-Request-Id")
	require.NotEqual(t, malformed, generated)
	require.NotEqual(t, generated, writer().get(t, path).header.Get("X-Request-Id"))
	p := anonymous().with("X-Request-Id", "req-1").get(t, path).problem(t, http.StatusUnauthorized, "unauthenticated")
	require.Equal(t, "req-1", p.RequestID)
}

func TestOnlyAllowedMetadataIsForwarded(t *testing.T) {
	t.Parallel()
	const path = workflows + ":count"
	writer().with("Grpc-Metadata-Trace-Id", "t-1").get(t, path).expect(t, http.StatusOK)
	for _, name := range []string{"Grpc-Metadata-Other", "Grpc-Metadata-Authorization", "Grpc-Metadata-Temporal-Namespace"} {
		writer().with(name, "x").get(t, path).problem(t, http.StatusBadRequest, "metadata-not-allowed")
	}
}
