package server_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
)

// audits gives the audit lines of the log, from the principal on.
func audits(g *servertest.Gateway) (found []string) {
	for line := range strings.Lines(g.Log.String()) {
		if _, rest, ok := strings.Cut(line, `"msg":"audit","principal":`); ok {
			rest, _, _ = strings.Cut(rest, `,"requestId"`)
			found = append(found, rest)
		}
	}
	return found
}

func TestRefusedWritesAreAuditedAtEveryDoor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		temporalfake.NewWorkflow(g.Upstream)
		reader := []string{"Authorization", "Bearer " + servertest.ReaderKey}
		g.Do(t, http.MethodPost, servertest.WorkflowsPath, servertest.StartBody(""))
		g.Do(t, http.MethodPost, servertest.WorkflowsPath, servertest.StartBody(""), reader...)
		g.Do(t, http.MethodPost, servertest.WorkflowsPath, `{"workflow":"MARKER"}`)
		g.Do(t, http.MethodPost, "/api/v1/namespaces/default/workflows/w/terminate", `{}`, reader...)
		g.Do(t, http.MethodPost, "/v1/namespaces/other/workflows/w/terminate", "")
		g.Do(t, http.MethodGet, servertest.WorkflowsPath+"/w", "", reader...)
		g.Do(t, http.MethodPost, servertest.WorkflowsPath+"/w/tokens", `{"signals":["approve"]}`)
		g.Do(t, http.MethodPost, servertest.WorkflowsPath+"/w/tokens", `{"signals":["approve"]}`, reader...)
		require.Equal(t, []string{
			`"writer","namespace":"default","rpc":"StartWorkflowExecution","resource":"w","outcome":"ok"`,
			`"reader","namespace":"default","rpc":"StartWorkflowExecution","resource":"","outcome":"operation-forbidden"`,
			`"writer","namespace":"default","rpc":"StartWorkflowExecution","resource":"","outcome":"unknown-field"`,
			`"reader","namespace":"default","rpc":"TerminateWorkflowExecution","resource":"","outcome":"operation-forbidden"`,
			`"writer","namespace":"other","rpc":"TerminateWorkflowExecution","resource":"","outcome":"namespace-forbidden"`,
			`"writer","namespace":"default","rpc":"CreateToken","resource":"w","outcome":"ok"`,
			`"reader","namespace":"default","rpc":"CreateToken","resource":"w","outcome":"operation-forbidden"`,
		}, audits(g))
		require.NotContains(t, g.Log.String(), "MARKER")
	})
}
