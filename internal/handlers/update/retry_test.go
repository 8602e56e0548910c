package update_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/errordetails/v1"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func TestARetriedUpdateIsSentUnchanged(t *testing.T) {
	t.Parallel()
	withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		f.Complete("1")
		g.Upstream.Handle("UpdateWorkflowExecution", upstreamtest.InTurn(
			upstreamtest.Fail(codes.Unavailable, "gone"), upstreamtest.Typed(f.UpdateWorkflow)))
		resp := g.Do(t, http.MethodPost, servertest.UpdatesPath, `{"update":"addItem"}`)
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		require.Len(t, g.Upstream.Calls("UpdateWorkflowExecution"), 2)
		require.Len(t, distinctRequests(g.Upstream.Calls("UpdateWorkflowExecution")), 1)
	})
}

// failAtUpdateLimit returns the error for a workflow that has as many updates in flight
// as the server allows.
func failAtUpdateLimit() upstreamtest.Handler {
	return upstreamtest.Fail(codes.ResourceExhausted, "limit on number of concurrent in-flight updates has been reached (10)",
		&errordetails.ResourceExhaustedFailure{Cause: enums.RESOURCE_EXHAUSTED_CAUSE_CONCURRENT_LIMIT})
}

func TestAnUpdateAboveTheServersLimitFailsImmediately(t *testing.T) {
	t.Parallel()
	withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Update) {
		g.Upstream.Handle("UpdateWorkflowExecution", failAtUpdateLimit())
		begin := time.Now()
		resp := g.Do(t, http.MethodPost, servertest.UpdatesPath+"?wait=30s", handlerstest.AddItemBody)
		require.Equal(t, http.StatusServiceUnavailable, resp.Status, resp.Body)
		require.Equal(t, []string{"workflow-busy", "order", "u-1", "true"}, []string{
			resp.Field(t, "code"), resp.Field(t, "workflowId"), resp.Field(t, "updateId"), resp.Field(t, "retryable"),
		})
		require.Equal(t, "1", resp.Header.Get("Retry-After"))
		require.Zero(t, time.Since(begin))
	})
}

// If the server rejects the update until the wait ends, the error is not
// update-not-admitted, which would mean that no worker has accepted it.
func TestAWaitForABusyWorkflowEndsWithWorkflowBusy(t *testing.T) {
	t.Parallel()
	withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		g.Upstream.Handle("UpdateWorkflowExecution", upstreamtest.Fail(codes.Unavailable, "workflow update was aborted"))
		begin := time.Now()
		resp := g.Do(t, http.MethodPost, servertest.UpdatesPath+"?wait=2s", handlerstest.AddItemBody)
		require.Equal(t, []string{"workflow-busy", "u-1"}, []string{resp.Field(t, "code"), resp.Field(t, "updateId")})
		require.Equal(t, 2*time.Second, time.Since(begin))

		f.Accept()
		g.Upstream.Handle("UpdateWorkflowExecution", upstreamtest.Typed(f.UpdateWorkflow))
		g.Upstream.Handle("PollWorkflowExecutionUpdate", upstreamtest.Fail(codes.Unavailable, "workflow update was aborted"))
		resp = g.Do(t, http.MethodPost, servertest.UpdatesPath+"?wait=2s", handlerstest.AddItemBody)
		require.Equal(t, http.StatusAccepted, resp.Status, resp.Body)
	})
}

func TestErrorsOfAnUpdateThatCannotBeSent(t *testing.T) {
	t.Parallel()
	for message, code := range map[string]string{
		"workflow execution already completed":            "workflow-completed",
		"workflow update was aborted by closing workflow": "workflow-completed",
		"workflow execution not found":                    "run-chain-mismatch",
		"workflow not found for ID: order":                "workflow-not-found",
	} {
		withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Update) {
			g.Upstream.Handle("UpdateWorkflowExecution", upstreamtest.Fail(codes.NotFound, message))
			resp := g.Do(t, http.MethodPost, servertest.UpdatesPath, handlerstest.AddItemBody)
			require.Equal(t, code, resp.Field(t, "code"), message)
			require.Equal(t, []string{"order", "u-1"}, []string{resp.Field(t, "workflowId"), resp.Field(t, "updateId")})
		})
	}
}

// A reset, for example, closes a run that has updates in flight.
func TestAnUpdateOfAClosingRunIsSentToTheNextRun(t *testing.T) {
	t.Parallel()
	closing := upstreamtest.Fail(codes.NotFound, "workflow update was aborted by closing workflow")
	for _, ended := range []bool{false, true} { // whether the workflow has ended, and has no next run
		withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
			f.Complete("1")
			next := upstreamtest.Typed(f.UpdateWorkflow)
			if ended {
				next = upstreamtest.Fail(codes.NotFound, "workflow execution already completed")
			}
			g.Upstream.Handle("UpdateWorkflowExecution", upstreamtest.InTurn(closing, closing, next))
			var resp servertest.Response
			took := servertest.Elapsed(func() { resp = g.Do(t, http.MethodPost, servertest.UpdatesPath, `{"update":"addItem"}`) })
			require.NotZero(t, took, "there is a pause between the calls")
			require.Less(t, took, 2*time.Second)
			if ended {
				require.Equal(t, "workflow-completed", resp.Field(t, "code"), resp.Body)
			} else {
				require.Equal(t, "1", resp.Field(t, "result"), resp.Body)
			}
			require.Len(t, distinctRequests(g.Upstream.Calls("UpdateWorkflowExecution")), 1, "all calls send the same update")

			g.Upstream.Handle("UpdateWorkflowExecution", closing)
			resp = g.Do(t, http.MethodPost, servertest.UpdatesPath+"?runId=r", handlerstest.AddItemBody)
			require.Equal(t, "workflow-completed", resp.Field(t, "code"), "an update of a named run is not sent to the next one")
			require.Len(t, g.Upstream.Calls("UpdateWorkflowExecution"), 4)
		})
	}
}
