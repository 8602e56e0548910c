package handlers_test

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

// TestOnlyIdempotentCallsAreRetried: a reset, a deletion or a batch whose response is lost may have happened.
func TestOnlyIdempotentCallsAreRetried(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		method, verb, path, body string
		repeated                 bool
	}{
		{"PauseWorkflowExecution", http.MethodPost, "/workflows/w/pause", "", true},
		{"UnpauseWorkflowExecution", http.MethodPost, "/workflows/w/unpause", "", true},
		{"ResetWorkflowExecution", http.MethodPost, "/workflows/w/reset", `{"eventId":4}`, false},
		{"DeleteWorkflowExecution", http.MethodDelete, "/workflows/w", "", false},
		{"UpdateWorkflowExecutionOptions", http.MethodPatch, "/workflows/w", `{"priority":null}`, false},
		{"StartBatchOperation", http.MethodPost, "/batches", `{"query":"a","operation":{"cancel":{}}}`, false},
	} {
		t.Run(test.method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := servertest.Start(t, servertest.Options{})
				handlerstest.HandleCalls(g)
				good := g.Upstream.Handler(test.method)
				g.Upstream.Handle(test.method, upstreamtest.InTurn(upstreamtest.Fail(codes.Unavailable, "gone"), good))
				a := g.Do(t, test.verb, "/v1/namespaces/default"+test.path, test.body)
				if test.repeated {
					require.Less(t, a.Status, http.StatusBadRequest, a.Body)
					require.Len(t, g.Upstream.Calls(test.method), 2)
					return
				}
				require.Equal(t, http.StatusServiceUnavailable, a.Status, a.Body)
				require.Len(t, g.Upstream.Calls(test.method), 1)
			})
		})
	}
}
