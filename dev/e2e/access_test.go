package e2e_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/server/common/api"
)

// access is the role and scope that the gateway requires for a method, as numbers of internal/auth.
type access struct {
	Role  int `json:"role"`
	Scope int `json:"scope"`
}

// The gateway's roles and scopes, by their numbers in internal/auth.
const (
	roleRead, roleWrite, roleAdmin            = 1, 2, 3
	scopeNamespace, scopeCluster, scopeAnyone = 1, 2, 3
)

// accessTable returns the gateway's access table, printed by a program in the gateway's module.
func accessTable(t *testing.T) map[string]access {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "run", "./dev/e2e/testdata/accesstable/main.go")
	command.Dir = "../.."
	var stderr strings.Builder
	command.Stderr = &stderr
	output, err := command.Output()
	require.NoError(t, err, stderr.String())
	var table map[string]access
	require.NoError(t, json.Unmarshal(output, &table))
	return table
}

// accessDifferences returns the methods whose access differs from that in Temporal's default authorizer, with the
// reasons.
func accessDifferences() map[string]access {
	return map[string]access{
		// Every SDK calls it first, and it returns no information about a tenant.
		api.WorkflowServicePrefix + "GetSystemInfo": {roleRead, scopeAnyone},
		// It updates the version's system workflow, or starts one.
		api.WorkflowServicePrefix + "ValidateWorkerDeploymentVersionComputeConfig": {roleWrite, scopeNamespace},
	}
}

func TestAccessTableAgreesWithTheServer(t *testing.T) {
	t.Parallel()
	table := accessTable(t)
	require.NotEmpty(t, table)
	allowed := accessDifferences()
	var unknown []string
	for method, got := range table {
		metadata := api.GetMethodMetadata(method)
		if metadata.Access == api.AccessUnknown {
			unknown = append(unknown, method)
			continue
		}
		want := access{
			Role: map[api.Access]int{
				api.AccessReadOnly: roleRead, api.AccessWrite: roleWrite, api.AccessAdmin: roleAdmin,
			}[metadata.Access],
			Scope: map[api.Scope]int{api.ScopeNamespace: scopeNamespace, api.ScopeCluster: scopeCluster}[metadata.Scope],
		}
		if different, ok := allowed[method]; ok {
			require.NotEqual(t, want, different, "%s no longer differs", method)
			want = different
		}
		require.Equal(t, want, got, method)
	}
	t.Logf("compared %d methods; the server does not know %s", len(table)-len(unknown), strings.Join(unknown, ", "))
	require.Less(t, len(unknown), 20, "the linked API is far ahead of the server")
}
