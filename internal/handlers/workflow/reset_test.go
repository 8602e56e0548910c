package workflow_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func TestResetSendsTheRequestedOptions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		handlerstest.HandleManagementRPCs(g)
		resp := g.Do(t, http.MethodPost, servertest.WorkflowsPath+"/a%2Fb/reset?runId="+temporalfake.RunID,
			`{"eventId":9,"reapplyExclude":["SIGNAL","CANCEL_REQUEST"],"reason":"<&>"}`)
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		require.JSONEq(t, `{"workflowId":"a/b","runId":"`+handlerstest.NewRunID+`"}`, resp.Body)
		request := handlerstest.OnlyRequest[*workflowservice.ResetWorkflowExecutionRequest](t, g, "ResetWorkflowExecution")
		require.NotEmpty(t, request.GetRequestId())
		request.RequestId = ""
		handlerstest.RequireMessage(t, `{"namespace":"default","workflowExecution":{"workflowId":"a/b","runId":"`+temporalfake.RunID+`"},"reason":"<&>",
			"workflowTaskFinishEventId":"9","resetReapplyType":"RESET_REAPPLY_TYPE_ALL_ELIGIBLE","identity":"writer",
			"resetReapplyExcludeTypes":["RESET_REAPPLY_EXCLUDE_TYPE_SIGNAL","RESET_REAPPLY_EXCLUDE_TYPE_CANCEL_REQUEST"]}`, request)
		require.Empty(t, g.Upstream.Calls("DescribeWorkflowExecution"), "the caller has named the event, so nothing is looked up")
	})
}

// historyPage returns a page of history with events of these types. Their ids count up
// from firstID.
func historyPage(firstID int64, token string, types ...enums.EventType) *workflowservice.GetWorkflowExecutionHistoryResponse {
	page := &workflowservice.GetWorkflowExecutionHistoryResponse{History: &history.History{}, NextPageToken: []byte(token)}
	for i, eventType := range types {
		page.History.Events = append(page.History.Events, &history.HistoryEvent{EventId: firstID + int64(i), EventType: eventType})
	}
	return page
}

func TestResetToTheFirstWorkflowTaskFindsItsEvent(t *testing.T) {
	t.Parallel()
	const (
		workflowStarted = enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED
		taskScheduled   = enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED
		taskStarted     = enums.EVENT_TYPE_WORKFLOW_TASK_STARTED
		taskCompleted   = enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
		taskTimedOut    = enums.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT
	)
	timedOutTask := historyPage(1, "next", workflowStarted, taskScheduled, taskStarted, taskTimedOut)
	for name, test := range map[string]struct {
		pages   []proto.Message
		eventID int64 // 0 if the run cannot be reset
	}{
		"first completed task": {
			[]proto.Message{historyPage(1, "", workflowStarted, taskScheduled, taskStarted, taskCompleted, taskScheduled, taskStarted, taskCompleted)}, 4,
		},
		"completed task on a later page": {[]proto.Message{timedOutTask, historyPage(5, "", taskScheduled, taskStarted, taskCompleted)}, 7},
		"no completed task":              {[]proto.Message{timedOutTask, historyPage(5, "", taskScheduled, taskStarted)}, 3},
		"no started task":                {[]proto.Message{historyPage(1, "", workflowStarted, taskScheduled)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := servertest.Start(t, servertest.Options{})
				temporalfake.NewWorkflow(g.Upstream)
				handlerstest.HandleManagementRPCs(g)
				var pages []upstreamtest.Handler
				for _, page := range test.pages {
					pages = append(pages, upstreamtest.Respond(page))
				}
				g.Upstream.Handle("GetWorkflowExecutionHistory", upstreamtest.InTurn(pages...))
				resp := g.Do(t, http.MethodPost, servertest.WorkflowsPath+"/w/reset", `{"resetType":"FIRST_WORKFLOW_TASK"}`)
				if test.eventID == 0 {
					require.Equal(t, http.StatusConflict, resp.Status, resp.Body)
					require.Equal(t, []string{"conflict", "w", temporalfake.RunID}, []string{resp.Field(t, "code"), resp.Field(t, "workflowId"), resp.Field(t, "runId")})
					require.Empty(t, g.Upstream.Calls("ResetWorkflowExecution"))
					return
				}
				require.Equal(t, http.StatusOK, resp.Status, resp.Body)
				request := handlerstest.OnlyRequest[*workflowservice.ResetWorkflowExecutionRequest](t, g, "ResetWorkflowExecution")
				require.Equal(t, test.eventID, request.GetWorkflowTaskFinishEventId())
				require.Equal(t, temporalfake.RunID, request.GetWorkflowExecution().GetRunId(), "the run in which the event was found")
			})
		})
	}
}

func TestResetToTheLastWorkflowTaskReadsTheHistoryFromItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		temporalfake.NewWorkflow(g.Upstream)
		handlerstest.HandleManagementRPCs(g)
		g.Upstream.Handle("GetWorkflowExecutionHistoryReverse", upstreamtest.Respond(&workflowservice.GetWorkflowExecutionHistoryReverseResponse{
			History: &history.History{Events: []*history.HistoryEvent{
				{EventId: 12, EventType: enums.EVENT_TYPE_WORKFLOW_TASK_STARTED},
				{EventId: 10, EventType: enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED},
				{EventId: 4, EventType: enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED},
			}}, NextPageToken: []byte("more"),
		}))
		resp := g.Do(t, http.MethodPost, servertest.WorkflowsPath+"/w/reset", `{"resetType":"LAST_WORKFLOW_TASK"}`)
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		request := handlerstest.OnlyRequest[*workflowservice.ResetWorkflowExecutionRequest](t, g, "ResetWorkflowExecution")
		require.EqualValues(t, 10, request.GetWorkflowTaskFinishEventId())
		require.Len(t, g.Upstream.Calls("GetWorkflowExecutionHistoryReverse"), 1)
	})
}

func TestResetToABuildUsesTheResetPointOfTheBuild(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		handlerstest.HandleManagementRPCs(g)
		g.Upstream.Handle("DescribeWorkflowExecution", upstreamtest.Respond(&workflowservice.DescribeWorkflowExecutionResponse{
			WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{
				Execution: &common.WorkflowExecution{WorkflowId: "w", RunId: handlerstest.NewRunID},
				AutoResetPoints: &workflow.ResetPoints{Points: []*workflow.ResetPointInfo{
					{BuildId: "good", RunId: temporalfake.RunID, FirstWorkflowTaskCompletedId: 7, Resettable: true},
					{BuildId: "not-resettable", RunId: temporalfake.RunID, FirstWorkflowTaskCompletedId: 9},
					{BuildId: "expired", RunId: temporalfake.RunID, FirstWorkflowTaskCompletedId: 4, Resettable: true, ExpireTime: timestamppb.New(time.Unix(1, 0))},
				}},
			},
		}))
		for _, build := range []string{"not-resettable", "expired", "unknown"} {
			resp := g.Do(t, http.MethodPost, servertest.WorkflowsPath+"/w/reset", `{"buildId":"`+build+`"}`)
			require.Equal(t, http.StatusConflict, resp.Status, resp.Body)
			require.Equal(t, "conflict", resp.Field(t, "code"))
		}
		resp := g.Do(t, http.MethodPost, servertest.WorkflowsPath+"/w/reset", `{"buildId":"good"}`)
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		request := handlerstest.OnlyRequest[*workflowservice.ResetWorkflowExecutionRequest](t, g, "ResetWorkflowExecution")
		require.EqualValues(t, 7, request.GetWorkflowTaskFinishEventId())
		require.Equal(t, temporalfake.RunID, request.GetWorkflowExecution().GetRunId(), "the run of the reset point, which is not the current one")
	})
}
