package operation_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// If the response to a reset, a deletion or the start of a batch job is lost, the call may have taken effect.
func TestOnlyIdempotentCallsAreRetried(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		rpc, method, path, body string
		retried                 bool
	}{
		{"PauseWorkflowExecution", http.MethodPost, "/workflows/w/pause", "", true},
		{"UnpauseWorkflowExecution", http.MethodPost, "/workflows/w/unpause", "", true},
		{"ResetWorkflowExecution", http.MethodPost, "/workflows/w/reset", `{"eventId":4}`, false},
		{"DeleteWorkflowExecution", http.MethodDelete, "/workflows/w", "", false},
		{"UpdateWorkflowExecutionOptions", http.MethodPatch, "/workflows/w", `{"priority":null}`, false},
		{"StartBatchOperation", http.MethodPost, "/batches", `{"query":"a","operation":{"cancel":{}}}`, false},
	} {
		t.Run(test.rpc, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := servertest.Start(t, servertest.Options{})
				handlerstest.HandleManagementRPCs(g)
				succeed := g.Upstream.Handler(test.rpc)
				g.Upstream.Handle(test.rpc, upstreamtest.InTurn(upstreamtest.Fail(codes.Unavailable, "gone"), succeed))
				resp := g.Do(t, test.method, "/v1/namespaces/default"+test.path, test.body)
				if test.retried {
					require.Less(t, resp.Status, http.StatusBadRequest, resp.Body)
					require.Len(t, g.Upstream.Calls(test.rpc), 2)
					return
				}
				require.Equal(t, http.StatusGatewayTimeout, resp.Status, resp.Body)
				require.Len(t, g.Upstream.Calls(test.rpc), 1)
			})
		})
	}
}
