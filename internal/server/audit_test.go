package server_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// auditLines returns the audit lines of the log. Each line begins with the value of "principal" and ends after
// "outcome".
func auditLines(g *servertest.Gateway) (found []string) {
	for line := range strings.Lines(g.Log.String()) {
		if _, rest, ok := strings.Cut(line, `"msg":"audit","principal":`); ok {
			rest, _, _ = strings.Cut(rest, `,"requestId"`)
			found = append(found, rest)
		}
	}
	return found
}

func TestWritesAreAuditedAtEveryDoor(t *testing.T) {
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
		}, auditLines(g))
		require.NotContains(t, g.Log.String(), "MARKER")
	})
}

// The gateway sends the update twice for one request of the caller.
func TestAnOperationHasOneAuditLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		g.Upstream.Handle("UpdateWorkflowExecution", upstreamtest.InTurn(
			upstreamtest.Respond(&workflowservice.UpdateWorkflowExecutionResponse{}), // not admitted yet
			upstreamtest.Fail(codes.InvalidArgument, "no"),
		))
		resp := g.Do(t, http.MethodPost, servertest.WorkflowsPath+"/w/updates", `{"update":"add"}`)
		require.Equal(t, http.StatusBadRequest, resp.Status, resp.Body)
		require.Len(t, g.Upstream.Calls("UpdateWorkflowExecution"), 2)
		require.Equal(t, []string{
			`"writer","namespace":"default","rpc":"UpdateWorkflowExecution","resource":"w","outcome":"invalid-request"`,
		}, auditLines(g))
	})
}

// Authorisation comes first, so that validation errors do not disclose anything to a
// caller without a grant.
func TestAuthorisationComesBeforeValidation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		for _, path := range []string{"/v1/namespaces/other/workflows/x/history?pageSize=abc", "/v1/namespaces/other/workflows/x?no=1"} {
			resp := g.Do(t, http.MethodGet, path, "")
			require.Equal(t, http.StatusForbidden, resp.Status, resp.Body)
			require.Equal(t, "namespace-forbidden", resp.Field(t, "code"))
		}
		resp := g.Do(t, http.MethodGet, servertest.WorkflowsPath+"/x/history?pageSize=abc&no=1&followRuns=perhaps&runId=a&runId=b", "")
		require.Equal(t, http.StatusBadRequest, resp.Status, resp.Body)
		for _, pointer := range []string{"?followRuns", "?no", "?pageSize", "?runId"} {
			require.Contains(t, resp.Body, `"pointer":"`+pointer+`"`)
		}
	})
}
