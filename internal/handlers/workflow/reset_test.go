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
		handlerstest.HandleCalls(g)
		a := g.Do(t, http.MethodPost, servertest.WorkflowsPath+"/a%2Fb/reset?runId="+temporalfake.RunID,
			`{"eventId":9,"reapplyExclude":["SIGNAL","CANCEL_REQUEST"],"reason":"<&>"}`)
		require.Equal(t, http.StatusOK, a.Status, a.Body)
		require.JSONEq(t, `{"workflowId":"a/b","runId":"`+handlerstest.NewRunID+`"}`, a.Body)
		request := handlerstest.OnlyRequest[*workflowservice.ResetWorkflowExecutionRequest](t, g, "ResetWorkflowExecution")
		require.NotEmpty(t, request.GetRequestId())
		request.RequestId = ""
		handlerstest.RequireMessage(t, `{"namespace":"default","workflowExecution":{"workflowId":"a/b","runId":"`+temporalfake.RunID+`"},"reason":"<&>",
			"workflowTaskFinishEventId":"9","resetReapplyType":"RESET_REAPPLY_TYPE_ALL_ELIGIBLE","identity":"writer",
			"resetReapplyExcludeTypes":["RESET_REAPPLY_EXCLUDE_TYPE_SIGNAL","RESET_REAPPLY_EXCLUDE_TYPE_CANCEL_REQUEST"]}`, request)
		require.Empty(t, g.Upstream.Calls("DescribeWorkflowExecution"), "there is nothing to look up")
	})
}

// events returns a page of history with events of these types; firstID is
// the id of the first.
func events(firstID int64, token string, types ...enums.EventType) *workflowservice.GetWorkflowExecutionHistoryResponse {
	page := &workflowservice.GetWorkflowExecutionHistoryResponse{History: &history.History{}, NextPageToken: []byte(token)}
	for i, eventType := range types {
		page.History.Events = append(page.History.Events, &history.HistoryEvent{EventId: firstID + int64(i), EventType: eventType})
	}
	return page
}

func TestResetFindsItsPoint(t *testing.T) {
	t.Parallel()
	const (
		begun, scheduled = enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED
		started, done    = enums.EVENT_TYPE_WORKFLOW_TASK_STARTED, enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
		timedOut         = enums.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT
	)
	for name, test := range map[string]struct {
		pages []proto.Message
		event int64
	}{
		"the first completed task":             {[]proto.Message{events(1, "", begun, scheduled, started, done, scheduled, started, done)}, 4},
		"on a later page":                      {[]proto.Message{events(1, "t", begun, scheduled, started, timedOut), events(5, "", scheduled, started, done)}, 7},
		"the first task begun, with none done": {[]proto.Message{events(1, "t", begun, scheduled, started, timedOut), events(5, "", scheduled, started)}, 3},
		"none":                                 {[]proto.Message{events(1, "", begun, scheduled)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := servertest.Start(t, servertest.Options{})
				temporalfake.NewWorkflow(g.Upstream)
				handlerstest.HandleCalls(g)
				var pages []upstreamtest.Handler
				for _, page := range test.pages {
					pages = append(pages, upstreamtest.Respond(page))
				}
				g.Upstream.Handle("GetWorkflowExecutionHistory", upstreamtest.InTurn(pages...))
				a := g.Do(t, http.MethodPost, servertest.WorkflowsPath+"/w/reset", `{"resetType":"FIRST_WORKFLOW_TASK"}`)
				if test.event == 0 {
					require.Equal(t, http.StatusConflict, a.Status, a.Body)
					require.Equal(t, []string{"conflict", "w", temporalfake.RunID}, []string{a.Field(t, "code"), a.Field(t, "workflowId"), a.Field(t, "runId")})
					require.Empty(t, g.Upstream.Calls("ResetWorkflowExecution"))
					return
				}
				require.Equal(t, http.StatusOK, a.Status, a.Body)
				request := handlerstest.OnlyRequest[*workflowservice.ResetWorkflowExecutionRequest](t, g, "ResetWorkflowExecution")
				require.Equal(t, test.event, request.GetWorkflowTaskFinishEventId())
				require.Equal(t, temporalfake.RunID, request.GetWorkflowExecution().GetRunId(), "the run in which the event was found")
			})
		})
	}
}

func TestResetToTheLastTaskReadsFromTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		temporalfake.NewWorkflow(g.Upstream)
		handlerstest.HandleCalls(g)
		g.Upstream.Handle("GetWorkflowExecutionHistoryReverse", upstreamtest.Respond(&workflowservice.GetWorkflowExecutionHistoryReverseResponse{
			History: &history.History{Events: []*history.HistoryEvent{
				{EventId: 12, EventType: enums.EVENT_TYPE_WORKFLOW_TASK_STARTED},
				{EventId: 10, EventType: enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED},
				{EventId: 4, EventType: enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED},
			}}, NextPageToken: []byte("more"),
		}))
		a := g.Do(t, http.MethodPost, servertest.WorkflowsPath+"/w/reset", `{"resetType":"LAST_WORKFLOW_TASK"}`)
		require.Equal(t, http.StatusOK, a.Status, a.Body)
		request := handlerstest.OnlyRequest[*workflowservice.ResetWorkflowExecutionRequest](t, g, "ResetWorkflowExecution")
		require.EqualValues(t, 10, request.GetWorkflowTaskFinishEventId())
		require.Len(t, g.Upstream.Calls("GetWorkflowExecutionHistoryReverse"), 1)
	})
}

func TestResetToABuildUsesItsResetPoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		handlerstest.HandleCalls(g)
		g.Upstream.Handle("DescribeWorkflowExecution", upstreamtest.Respond(&workflowservice.DescribeWorkflowExecutionResponse{
			WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{
				Execution: &common.WorkflowExecution{WorkflowId: "w", RunId: handlerstest.NewRunID},
				AutoResetPoints: &workflow.ResetPoints{Points: []*workflow.ResetPointInfo{
					{BuildId: "good", RunId: temporalfake.RunID, FirstWorkflowTaskCompletedId: 7, Resettable: true},
					{BuildId: "bound", RunId: temporalfake.RunID, FirstWorkflowTaskCompletedId: 9},
					{BuildId: "old", RunId: temporalfake.RunID, FirstWorkflowTaskCompletedId: 4, Resettable: true, ExpireTime: timestamppb.New(time.Unix(1, 0))},
				}},
			},
		}))
		for _, build := range []string{"bound", "old", "unknown"} {
			a := g.Do(t, http.MethodPost, servertest.WorkflowsPath+"/w/reset", `{"buildId":"`+build+`"}`)
			require.Equal(t, http.StatusConflict, a.Status, a.Body)
			require.Equal(t, "conflict", a.Field(t, "code"))
		}
		a := g.Do(t, http.MethodPost, servertest.WorkflowsPath+"/w/reset", `{"buildId":"good"}`)
		require.Equal(t, http.StatusOK, a.Status, a.Body)
		request := handlerstest.OnlyRequest[*workflowservice.ResetWorkflowExecutionRequest](t, g, "ResetWorkflowExecution")
		require.EqualValues(t, 7, request.GetWorkflowTaskFinishEventId())
		require.Equal(t, temporalfake.RunID, request.GetWorkflowExecution().GetRunId(), "an earlier run")
	})
}
