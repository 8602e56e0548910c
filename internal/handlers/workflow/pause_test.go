package workflow_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/query/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func TestRepeatedPausesHaveTheSameRequestID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		handlerstest.HandleManagementRPCs(g)
		ids := map[string]bool{}
		for _, key := range []string{"one", "one", "two"} {
			resp := g.Do(t, http.MethodPost, servertest.WorkflowsPath+"/w/pause?runId="+temporalfake.RunID, `{"reason":"the bank"}`, "Idempotency-Key", key)
			require.Equal(t, http.StatusNoContent, resp.Status, resp.Body)
		}
		for _, call := range g.Upstream.Calls("PauseWorkflowExecution") {
			request := &workflowservice.PauseWorkflowExecutionRequest{}
			require.NoError(t, proto.Unmarshal(call.Request, request))
			ids[request.GetRequestId()] = true
			request.RequestId = ""
			handlerstest.RequireMessage(t, `{"namespace":"default","workflowId":"w","runId":"`+temporalfake.RunID+`","identity":"writer","reason":"the bank"}`, request)
		}
		require.Len(t, ids, 2)
	})
}

// The server treats a paused run like a closed one: it responds to each poll immediately, with the latest event.
func TestAWaitContinuesWhileTheWorkflowIsPaused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		f := temporalfake.NewWorkflow(g.Upstream)
		pauseEnd := time.Now().Add(10 * time.Second)
		g.Upstream.Handle("GetWorkflowExecutionHistory", upstreamtest.Typed(func(
			ctx context.Context, r *workflowservice.GetWorkflowExecutionHistoryRequest,
		) (*workflowservice.GetWorkflowExecutionHistoryResponse, error) {
			if time.Now().Before(pauseEnd) {
				return &workflowservice.GetWorkflowExecutionHistoryResponse{History: &history.History{Events: []*history.HistoryEvent{{
					EventType:  enums.EVENT_TYPE_WORKFLOW_EXECUTION_PAUSED,
					Attributes: &history.HistoryEvent_WorkflowExecutionPausedEventAttributes{},
				}}}}, nil
			}
			f.Complete()
			return f.History(ctx, r)
		}))
		took := servertest.Elapsed(func() {
			resp := g.Do(t, http.MethodGet, servertest.WorkflowsPath+"/w/result?wait=30s", "")
			require.Equal(t, "COMPLETED", resp.Field(t, "status"), resp.Body)
		})
		require.Equal(t, 10*time.Second, took)
		require.Len(t, g.Upstream.Calls("GetWorkflowExecutionHistory"), 11, "one poll per second")
	})
}

// The server rejects all queries to a paused workflow, whatever the reject condition is.
func TestAPausedWorkflowRejectsQueries(t *testing.T) {
	t.Parallel()
	for status, detail := range map[enums.WorkflowExecutionStatus]string{
		enums.WORKFLOW_EXECUTION_STATUS_PAUSED:    "The workflow is paused. It can be queried once it is unpaused.",
		enums.WORKFLOW_EXECUTION_STATUS_COMPLETED: "The workflow's status meets the query's reject condition.",
	} {
		g := servertest.Start(t, servertest.Options{})
		g.Upstream.Handle("QueryWorkflow", upstreamtest.Respond(&workflowservice.QueryWorkflowResponse{
			QueryRejected: &query.QueryRejected{Status: status},
		}))
		resp := g.Do(t, http.MethodGet, servertest.WorkflowsPath+"/w/query?query=state", "")
		require.Equal(t, http.StatusConflict, resp.Status, resp.Body)
		require.Equal(t, "query-rejected", resp.Field(t, "code"))
		require.Equal(t, strings.ToUpper(status.String()), resp.Field(t, "workflowStatus"))
		require.Equal(t, detail, resp.Field(t, "detail"))
	}
}
