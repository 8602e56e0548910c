package handlers_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/query/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

const newRun = "0198f3d0-1a44-7b0e-8c11-6a0d5e9f2b77"

// asked returns the request of the one call of a method.
func asked[Q proto.Message](t *testing.T, g *servertest.Gateway, method string) Q {
	t.Helper()
	calls := g.Upstream.Calls(method)
	require.Len(t, calls, 1)
	var none Q
	request := none.ProtoReflect().New().Interface()
	require.NoError(t, proto.Unmarshal(calls[0].Request, request))
	return request.(Q) //nolint:forcetypeassert // its own New made it
}

// requireRequest requires that a request is this in protobuf JSON.
func requireRequest(t *testing.T, want string, request proto.Message) {
	t.Helper()
	text, err := protojson.Marshal(request)
	require.NoError(t, err)
	require.JSONEq(t, want, string(text))
}

// answering makes the upstream respond to the calls of the operations.
func answering(g *servertest.Gateway) {
	for method, answer := range map[string]proto.Message{
		"ResetWorkflowExecution":         &workflowservice.ResetWorkflowExecutionResponse{RunId: newRun},
		"PauseWorkflowExecution":         &workflowservice.PauseWorkflowExecutionResponse{},
		"UnpauseWorkflowExecution":       &workflowservice.UnpauseWorkflowExecutionResponse{},
		"DeleteWorkflowExecution":        &workflowservice.DeleteWorkflowExecutionResponse{},
		"UpdateWorkflowExecutionOptions": &workflowservice.UpdateWorkflowExecutionOptionsResponse{},
		"StartBatchOperation":            &workflowservice.StartBatchOperationResponse{},
		"StopBatchOperation":             &workflowservice.StopBatchOperationResponse{},
		"CountWorkflowExecutions":        &workflowservice.CountWorkflowExecutionsResponse{Count: 12},
		"DescribeBatchOperation":         &workflowservice.DescribeBatchOperationResponse{JobId: "j", Reason: "r"},
	} {
		g.Upstream.Handle(method, upstreamtest.Respond(answer))
	}
}

func TestResetSendsTheRequestedOptions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		answering(g)
		a := g.Do(t, http.MethodPost, servertest.WorkflowsPath+"/a%2Fb/reset?runId="+temporalfake.RunID,
			`{"eventId":9,"reapplyExclude":["SIGNAL","CANCEL_REQUEST"],"reason":"<&>"}`)
		require.Equal(t, http.StatusOK, a.Status, a.Body)
		require.JSONEq(t, `{"workflowId":"a/b","runId":"`+newRun+`"}`, a.Body)
		request := asked[*workflowservice.ResetWorkflowExecutionRequest](t, g, "ResetWorkflowExecution")
		require.NotEmpty(t, request.GetRequestId())
		request.RequestId = ""
		requireRequest(t, `{"namespace":"default","workflowExecution":{"workflowId":"a/b","runId":"`+temporalfake.RunID+`"},"reason":"<&>",
			"workflowTaskFinishEventId":"9","resetReapplyType":"RESET_REAPPLY_TYPE_ALL_ELIGIBLE","identity":"writer",
			"resetReapplyExcludeTypes":["RESET_REAPPLY_EXCLUDE_TYPE_SIGNAL","RESET_REAPPLY_EXCLUDE_TYPE_CANCEL_REQUEST"]}`, request)
		require.Empty(t, g.Upstream.Calls("DescribeWorkflowExecution"), "there is nothing to look up")
	})
}

// events returns a page of history with events of these types; first is the id of
// the first.
func events(first int64, token string, types ...enums.EventType) *workflowservice.GetWorkflowExecutionHistoryResponse {
	page := &workflowservice.GetWorkflowExecutionHistoryResponse{History: &history.History{}, NextPageToken: []byte(token)}
	for i, eventType := range types {
		page.History.Events = append(page.History.Events, &history.HistoryEvent{EventId: first + int64(i), EventType: eventType})
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
				answering(g)
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
				request := asked[*workflowservice.ResetWorkflowExecutionRequest](t, g, "ResetWorkflowExecution")
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
		answering(g)
		g.Upstream.Handle("GetWorkflowExecutionHistoryReverse", upstreamtest.Respond(&workflowservice.GetWorkflowExecutionHistoryReverseResponse{
			History: &history.History{Events: []*history.HistoryEvent{
				{EventId: 12, EventType: enums.EVENT_TYPE_WORKFLOW_TASK_STARTED},
				{EventId: 10, EventType: enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED},
				{EventId: 4, EventType: enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED},
			}}, NextPageToken: []byte("more"),
		}))
		a := g.Do(t, http.MethodPost, servertest.WorkflowsPath+"/w/reset", `{"resetType":"LAST_WORKFLOW_TASK"}`)
		require.Equal(t, http.StatusOK, a.Status, a.Body)
		request := asked[*workflowservice.ResetWorkflowExecutionRequest](t, g, "ResetWorkflowExecution")
		require.EqualValues(t, 10, request.GetWorkflowTaskFinishEventId())
		require.Len(t, g.Upstream.Calls("GetWorkflowExecutionHistoryReverse"), 1)
	})
}

func TestResetToABuildUsesItsResetPoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		answering(g)
		g.Upstream.Handle("DescribeWorkflowExecution", upstreamtest.Respond(&workflowservice.DescribeWorkflowExecutionResponse{
			WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{
				Execution: &common.WorkflowExecution{WorkflowId: "w", RunId: newRun},
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
		request := asked[*workflowservice.ResetWorkflowExecutionRequest](t, g, "ResetWorkflowExecution")
		require.EqualValues(t, 7, request.GetWorkflowTaskFinishEventId())
		require.Equal(t, temporalfake.RunID, request.GetWorkflowExecution().GetRunId(), "an earlier run")
	})
}

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
				answering(g)
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

func TestPauseCarriesItsRequestID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		answering(g)
		ids := map[string]bool{}
		for _, key := range []string{"one", "one", "two"} {
			a := g.Do(t, http.MethodPost, servertest.WorkflowsPath+"/w/pause?runId="+temporalfake.RunID, `{"reason":"the bank"}`, "Idempotency-Key", key)
			require.Equal(t, http.StatusNoContent, a.Status, a.Body)
		}
		for _, call := range g.Upstream.Calls("PauseWorkflowExecution") {
			request := &workflowservice.PauseWorkflowExecutionRequest{}
			require.NoError(t, proto.Unmarshal(call.Request, request))
			ids[request.GetRequestId()] = true
			request.RequestId = ""
			requireRequest(t, `{"namespace":"default","workflowId":"w","runId":"`+temporalfake.RunID+`","identity":"writer","reason":"the bank"}`, request)
		}
		require.Len(t, ids, 2)
	})
}

func TestTheUpdateMaskNamesThePresentOptions(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"priority":null}`:              `{"updateMask":"priority","workflowExecutionOptions":{"priority":{}}}`,
		`{"priority":{"priorityKey":2}}`: `{"updateMask":"priority","workflowExecutionOptions":{"priority":{"priorityKey":2}}}`,
		`{"versioningOverride":null}`:    `{"updateMask":"versioningOverride","workflowExecutionOptions":{}}`,
		`{"versioningOverride":{"behavior":"AUTO_UPGRADE"},"priority":null}`: `{"updateMask":"versioningOverride,priority",
			"workflowExecutionOptions":{"versioningOverride":{"autoUpgrade":true,"behavior":"VERSIONING_BEHAVIOR_AUTO_UPGRADE"},"priority":{}}}`,
	} {
		synctest.Test(t, func(t *testing.T) {
			g := servertest.Start(t, servertest.Options{})
			answering(g)
			a := g.Do(t, http.MethodPatch, servertest.WorkflowsPath+"/w", body)
			require.Equal(t, http.StatusOK, a.Status, a.Body)
			require.JSONEq(t, `{}`, a.Body)
			request := asked[*workflowservice.UpdateWorkflowExecutionOptionsRequest](t, g, "UpdateWorkflowExecutionOptions")
			require.Equal(t, []string{"default", "w", "writer"},
				[]string{request.GetNamespace(), request.GetWorkflowExecution().GetWorkflowId(), request.GetIdentity()})
			request.Namespace, request.WorkflowExecution, request.Identity = "", nil, ""
			requireRequest(t, want, request)
		})
	}
}

// TestAWaitContinuesWhileTheWorkflowIsPaused: the server reads a paused run as a closed one, and returns its latest event
// to each poll at once.
func TestAWaitContinuesWhileTheWorkflowIsPaused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		f := temporalfake.NewWorkflow(g.Upstream)
		unpaused := time.Now().Add(10 * time.Second)
		g.Upstream.Handle("GetWorkflowExecutionHistory", upstreamtest.Typed(func(
			ctx context.Context, r *workflowservice.GetWorkflowExecutionHistoryRequest,
		) (*workflowservice.GetWorkflowExecutionHistoryResponse, error) {
			if time.Now().Before(unpaused) {
				return &workflowservice.GetWorkflowExecutionHistoryResponse{History: &history.History{Events: []*history.HistoryEvent{{
					EventType:  enums.EVENT_TYPE_WORKFLOW_EXECUTION_PAUSED,
					Attributes: &history.HistoryEvent_WorkflowExecutionPausedEventAttributes{},
				}}}}, nil
			}
			f.Close()
			return f.History(ctx, r)
		}))
		took := servertest.Elapsed(func() {
			a := g.Do(t, http.MethodGet, servertest.WorkflowsPath+"/w/result?wait=30s", "")
			require.Equal(t, "COMPLETED", a.Field(t, "status"), a.Body)
		})
		require.Equal(t, 10*time.Second, took)
		require.Len(t, g.Upstream.Calls("GetWorkflowExecutionHistory"), 11, "one a second")
	})
}

// TestAPausedWorkflowRejectsQueries: the server rejects them whatever the reject condition is.
func TestAPausedWorkflowRejectsQueries(t *testing.T) {
	t.Parallel()
	const met = "The workflow's status meets the query's reject condition."
	for status, want := range map[enums.WorkflowExecutionStatus]string{
		enums.WORKFLOW_EXECUTION_STATUS_PAUSED:    "The workflow is paused. It can be queried once it is unpaused.",
		enums.WORKFLOW_EXECUTION_STATUS_COMPLETED: met,
	} {
		g := servertest.Start(t, servertest.Options{})
		g.Upstream.Handle("QueryWorkflow", upstreamtest.Respond(&workflowservice.QueryWorkflowResponse{
			QueryRejected: &query.QueryRejected{Status: status},
		}))
		a := g.Do(t, http.MethodGet, servertest.WorkflowsPath+"/w/query?query=state", "")
		require.Equal(t, http.StatusConflict, a.Status, a.Body)
		require.Equal(t, "query-rejected", a.Field(t, "code"))
		require.Equal(t, strings.ToUpper(status.String()), a.Field(t, "workflowStatus"))
		require.Equal(t, want, a.Field(t, "detail"))
	}
}
