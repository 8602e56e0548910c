package update_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// withUpdate runs a test in a synctest bubble, against a gateway whose upstream is a
// [temporalfake.Update].
func withUpdate(t *testing.T, configure func(*config.Config), test func(*testing.T, *servertest.Gateway, *temporalfake.Update)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: configure})
		test(t, g, temporalfake.NewUpdate(g.Upstream))
	})
}

// sentUpdate returns the request of the call with index n to UpdateWorkflowExecution.
func sentUpdate(t *testing.T, g *servertest.Gateway, n int) *workflowservice.UpdateWorkflowExecutionRequest {
	t.Helper()
	calls := g.Upstream.Calls("UpdateWorkflowExecution")
	require.Greater(t, len(calls), n)
	request := &workflowservice.UpdateWorkflowExecutionRequest{}
	require.NoError(t, proto.Unmarshal(calls[n].Request, request))
	return request
}

// distinctRequests returns the encoded requests of calls, without duplicates.
func distinctRequests(calls []upstreamtest.Call) []string {
	var requests []string
	for _, call := range calls {
		if !slices.Contains(requests, string(call.Request)) {
			requests = append(requests, string(call.Request))
		}
	}
	return requests
}
