package e2e_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/server/common/api"
)

// access is the role and the scope that the gateway requires for a method. The numbers are those of internal/auth.
type access struct {
	Role  int `json:"role"`
	Scope int `json:"scope"`
}

// The values of auth.Role and auth.Scope in the gateway's module, which this module cannot import.
const (
	roleRead, roleWrite, roleAdmin            = 1, 2, 3
	scopeNamespace, scopeCluster, scopeAnyone = 1, 2, 3
)

// accessTable returns the access table of the gateway. A program in the gateway's module prints it.
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

// accessDifferences returns the access of the methods for which the gateway intentionally differs from Temporal's
// default authorizer. Comments state the reasons.
func accessDifferences() map[string]access {
	return map[string]access{
		// Every SDK calls GetSystemInfo first, and the response contains no information about a namespace.
		api.WorkflowServicePrefix + "GetSystemInfo": {roleRead, scopeAnyone},
		// This method writes: it starts or updates the system workflow of the deployment version.
		api.WorkflowServicePrefix + "ValidateWorkerDeploymentVersionComputeConfig": {roleWrite, scopeNamespace},
	}
}

func TestAccessTableAgreesWithTheServer(t *testing.T) {
	t.Parallel()
	table := accessTable(t)
	require.NotEmpty(t, table)
	intended := accessDifferences()
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
		if different, ok := intended[method]; ok {
			require.NotEqual(t, want, different, "%s no longer differs", method)
			want = different
		}
		require.Equal(t, want, got, method)
	}
	t.Logf("compared %d methods; the server does not know %s", len(table)-len(unknown), strings.Join(unknown, ", "))
	require.Less(t, len(unknown), 20, "the gateway links a version of the API that is too new for this server")
}
