package server_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// audits gives the audit lines of the log, from the principal on.
func (g *gateway) audits() (found []string) {
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
		g := start(t, nil)
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
		}, g.audits())
		require.NotContains(t, g.log.String(), "MARKER")
	})
}

// TestAnOperationHasOneAuditLine has an update that is sent twice and then fails:
// three calls or attempts, and one write of its caller.
func TestAnOperationHasOneAuditLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, nil)
		g.upstream.Handle("UpdateWorkflowExecution", upstreamtest.InTurn(
			upstreamtest.Respond(&workflowservice.UpdateWorkflowExecutionResponse{}), // not admitted yet
			upstreamtest.Fail(codes.InvalidArgument, "no"),
		))
		a := g.do(t, http.MethodPost, workflows+"/w/updates", `{"update":"add"}`)
		require.Equal(t, http.StatusBadRequest, a.status, a.body)
		require.Len(t, g.upstream.Calls("UpdateWorkflowExecution"), 2)
		require.Equal(t, []string{
			`"writer","namespace":"default","rpc":"UpdateWorkflowExecution","resource":"w","outcome":"invalid-request"`,
		}, g.audits())
	})
}

// TestTheCallerIsAuthorisedBeforeParametersAreRead keeps a caller without rights
// from learning anything by how its parameters are judged.
func TestTheCallerIsAuthorisedBeforeParametersAreRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, nil)
		for _, path := range []string{"/v1/namespaces/other/workflows/x/history?pageSize=abc", "/v1/namespaces/other/workflows/x?no=1"} {
			a := g.do(t, http.MethodGet, path, "")
			require.Equal(t, http.StatusForbidden, a.status, a.body)
			require.Equal(t, "namespace-forbidden", a.field(t, "code"))
		}
		a := g.do(t, http.MethodGet, workflows+"/x/history?pageSize=abc&no=1&followRuns=perhaps&runId=a&runId=b", "")
		require.Equal(t, http.StatusBadRequest, a.status, a.body)
		for _, pointer := range []string{"?followRuns", "?no", "?pageSize", "?runId"} {
			require.Contains(t, a.body, `"pointer":"`+pointer+`"`)
		}
	})
}
