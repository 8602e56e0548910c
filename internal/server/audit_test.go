package server_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// audits gives the audit lines of the log, from the principal on.
func audits(g *gateway) (found []string) {
	for line := range strings.Lines(g.log.String()) {
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
		g := start(t, startOptions{})
		newFakeWorkflow(g.upstream)
		reader := []string{"Authorization", "Bearer " + readerKey}
		g.do(t, http.MethodPost, workflows, start1(""))
		g.do(t, http.MethodPost, workflows, start1(""), reader...)
		g.do(t, http.MethodPost, workflows, `{"workflow":"MARKER"}`)
		g.do(t, http.MethodPost, "/api/v1/namespaces/default/workflows/w/terminate", `{}`, reader...)
		g.do(t, http.MethodPost, "/v1/namespaces/other/workflows/w/terminate", "")
		g.do(t, http.MethodGet, workflows+"/w", "", reader...)
		g.do(t, http.MethodPost, workflows+"/w/tokens", `{"signals":["approve"]}`)
		g.do(t, http.MethodPost, workflows+"/w/tokens", `{"signals":["approve"]}`, reader...)
		require.Equal(t, []string{
			`"writer","namespace":"default","rpc":"StartWorkflowExecution","resource":"w","outcome":"ok"`,
			`"reader","namespace":"default","rpc":"StartWorkflowExecution","resource":"","outcome":"operation-forbidden"`,
			`"writer","namespace":"default","rpc":"StartWorkflowExecution","resource":"","outcome":"unknown-field"`,
			`"reader","namespace":"default","rpc":"TerminateWorkflowExecution","resource":"","outcome":"operation-forbidden"`,
			`"writer","namespace":"other","rpc":"TerminateWorkflowExecution","resource":"","outcome":"namespace-forbidden"`,
			`"writer","namespace":"default","rpc":"CreateToken","resource":"w","outcome":"ok"`,
			`"reader","namespace":"default","rpc":"CreateToken","resource":"w","outcome":"operation-forbidden"`,
		}, audits(g))
		require.NotContains(t, g.log.String(), "MARKER")
	})
}
