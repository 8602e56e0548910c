package history_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func TestSkipArchivalReachesTheServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		g.Upstream.Handle("GetWorkflowExecutionHistory", upstreamtest.Respond(&workflowservice.GetWorkflowExecutionHistoryResponse{}))
		for query, want := range map[string]string{"": "false", "?skipArchival=false": "false", "?skipArchival=true": "true"} {
			resp := g.Do(t, http.MethodGet, servertest.OrderPath+"/history"+query, "")
			require.Equal(t, http.StatusOK, resp.Status, resp.Body)
			calls := g.Upstream.Calls("GetWorkflowExecutionHistory")
			require.Equal(t, want, servertest.FieldString(servertest.DecodeRequest(t, calls[len(calls)-1]), "skip_archival"), query)
		}
	})
}
