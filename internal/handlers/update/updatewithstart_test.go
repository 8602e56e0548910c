package update_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func TestUpdateWithStartIsOneCall(t *testing.T) {
	t.Parallel()
	withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		f.Complete("7")
		resp := g.Do(t, http.MethodPost, handlerstest.UpdateWithStartPath, handlerstest.UpdateWithStartBody(`,"args":["a"]`))
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		require.JSONEq(t, `{"start":{"workflowId":"order","runId":"`+temporalfake.RunID+`","firstExecutionRunId":"`+temporalfake.RunID+`","started":true},
			"update":{"workflowId":"order","runId":"`+temporalfake.RunID+`","updateId":"u-1","stage":"COMPLETED","status":"COMPLETED","result":7}}`, resp.Body)
		request := &workflowservice.ExecuteMultiOperationRequest{}
		require.NoError(t, proto.Unmarshal(g.Upstream.Calls("ExecuteMultiOperation")[0].Request, request))
		require.Len(t, request.GetOperations(), 2)
		start, update := request.GetOperations()[0].GetStartWorkflow(), request.GetOperations()[1].GetUpdateWorkflow()
		require.Equal(t, []string{"default", "default", "default"}, []string{request.GetNamespace(), start.GetNamespace(), update.GetNamespace()})
		require.Equal(t, enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING, start.GetWorkflowIdConflictPolicy())
		require.NotEmpty(t, start.GetRequestId())
		require.Equal(t, "order", update.GetWorkflowExecution().GetWorkflowId())
		require.Equal(t, "u-1", update.GetRequest().GetMeta().GetUpdateId())
		require.Empty(t, g.Upstream.Calls("PollWorkflowExecutionUpdate"))
	})
}

func TestUpdateWithStartIsSentUntilItIsAccepted(t *testing.T) {
	t.Parallel()
	withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		time.AfterFunc(30*time.Second, f.Accept)
		body := strings.Replace(handlerstest.UpdateWithStartBody(""), `"updateId":"u-1"`, `"waitForStage":"ACCEPTED"`, 1)
		var resp servertest.Response
		require.Equal(t, 30*time.Second, servertest.Elapsed(func() { resp = g.Do(t, http.MethodPost, handlerstest.UpdateWithStartPath, body) }))
		require.Equal(t, http.StatusAccepted, resp.Status, resp.Body)
		require.Contains(t, resp.Field(t, "start"), `"started":true`, "the first of two calls started it")
		require.Contains(t, resp.Header.Get("Location"), servertest.UpdatesPath+"/")
		require.Len(t, g.Upstream.Calls("ExecuteMultiOperation"), 2)
		require.Len(t, distinctRequests(g.Upstream.Calls("ExecuteMultiOperation")), 1)
	})
}

func TestUpdateWithStartDistinguishesFailedFromRejected(t *testing.T) {
	t.Parallel()
	for _, rejected := range []bool{false, true} {
		withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
			f.Fail("no", rejected)
			resp := g.Do(t, http.MethodPost, handlerstest.UpdateWithStartPath+"?failureStatus=422", handlerstest.UpdateWithStartBody(""))
			require.Equal(t, http.StatusUnprocessableEntity, resp.Status, resp.Body)
			want := map[bool]string{false: `"status":"FAILED"`, true: `"status":"REJECTED"`}
			require.Contains(t, resp.Field(t, "update"), want[rejected])
			require.Contains(t, resp.Field(t, "start"), temporalfake.RunID, "the workflow has started")
		})
	}
}

func TestAnUpdateWithStartThatNoWorkerAcceptsIsNotAdmitted(t *testing.T) {
	t.Parallel()
	withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Update) {
		resp := g.Do(t, http.MethodPost, handlerstest.UpdateWithStartPath+"?wait=25s", handlerstest.UpdateWithStartBody(""))
		require.Equal(t, "update-not-admitted", resp.Field(t, "code"), resp.Body)
		require.Equal(t, []string{"order", temporalfake.RunID, "u-1"}, []string{resp.Field(t, "workflowId"), resp.Field(t, "runId"), resp.Field(t, "updateId")})
	})
}

// If one of the two operations fails, the server aborts the other one, and returns an error
// for each.
func TestAnUpdateWithStartReturnsTheErrorOfTheOperationThatFailed(t *testing.T) {
	t.Parallel()
	aborted := serviceerror.NewMultiOperationAborted("Operation was aborted.")
	for name, c := range map[string]struct {
		errs []error // of the start and of the update
		code string
	}{
		"start": {
			[]error{serviceerror.NewWorkflowExecutionAlreadyStarted("running", "request", "another-run"), aborted}, "workflow-already-started",
		},
		"update":               {[]error{aborted, serviceerror.NewNotFound("workflow update was aborted by closing workflow")}, "workflow-completed"},
		"update after a start": {[]error{nil, serviceerror.NewInvalidArgument("no such thing")}, "invalid-request"},
		"both":                 {[]error{serviceerror.NewInvalidArgument("bad start"), serviceerror.NewNotFound("bad update")}, "invalid-request"},
		"workflow not ready":   {[]error{aborted, serviceerror.NewWorkflowNotReady("failing")}, "workflow-not-ready"},
	} {
		withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Update) {
			g.Upstream.Handle("ExecuteMultiOperation", func(context.Context, []byte) ([]byte, error) {
				return nil, serviceerror.ToStatus(serviceerror.NewMultiOperationExecution("Update-with-Start could not be executed.", c.errs)).Err()
			})
			resp := g.Do(t, http.MethodPost, handlerstest.UpdateWithStartPath, handlerstest.UpdateWithStartBody(""))
			require.Equal(t, c.code, resp.Field(t, "code"), "%s: %s", name, resp.Body)
			require.NotContains(t, resp.Body, "MultiOperation", name)
			require.Equal(t, "order", resp.Field(t, "workflowId"))
			if name == "start" {
				require.Equal(t, "another-run", resp.Field(t, "runId"))
				require.Equal(t, http.StatusConflict, resp.Status)
			}
		})
	}
}

func TestAnInvalidUpdateWithStartIsNotSent(t *testing.T) {
	t.Parallel()
	withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, _ *temporalfake.Update) {
		for body, field := range map[string]string{
			strings.Replace(handlerstest.UpdateWithStartBody(""), `,"idConflictPolicy":"USE_EXISTING"`, "", 1): "/start/idConflictPolicy",
			strings.Replace(handlerstest.UpdateWithStartBody(""), "USE_EXISTING", "UNSPECIFIED", 1):            "/start/idConflictPolicy",
			strings.Replace(handlerstest.UpdateWithStartBody(""), "USE_EXISTING", "MAYBE", 1):                  "/start/idConflictPolicy",
			strings.Replace(handlerstest.UpdateWithStartBody(""), `"taskQueue":"orders",`, "", 1):              "/start/taskQueue",
			strings.Replace(handlerstest.UpdateWithStartBody(""), `"update":"addItem",`, "", 1):                "/update/update",
			handlerstest.UpdateWithStartBody(`,"startSignal":"go"`):                                            "/start/startSignal",
			handlerstest.UpdateWithStartBody(`,"runTimeout":"soon"`):                                           "/start/runTimeout",
			`{}`: "/start/workflowId",
		} {
			resp := g.Do(t, http.MethodPost, handlerstest.UpdateWithStartPath, body)
			require.Equal(t, http.StatusBadRequest, resp.Status, body)
			require.Contains(t, resp.Field(t, "errors"), `"`+field+`"`, body)
		}
		require.Empty(t, g.Upstream.Calls("ExecuteMultiOperation"))
	})
}

// If the same idempotency key has already started the run, the gateway sends only the
// update, to that run.
func TestARepeatedUpdateWithStartDoesNotStartTheWorkflow(t *testing.T) {
	t.Parallel()
	withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
		f.Complete("7")
		key := []string{"Idempotency-Key", "k"}
		body := strings.Replace(handlerstest.UpdateWithStartBody(""), `,"updateId":"u-1"`, "", 1)
		var known map[string]*workflow.RequestIdInfo
		g.Upstream.Handle("DescribeWorkflowExecution", upstreamtest.Typed(func(
			context.Context, *workflowservice.DescribeWorkflowExecutionRequest,
		) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
			return &workflowservice.DescribeWorkflowExecutionResponse{
				WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{
					Execution: &common.WorkflowExecution{WorkflowId: "order", RunId: temporalfake.RunID}, FirstRunId: temporalfake.RunID,
				},
				WorkflowExtendedInfo: &workflow.WorkflowExecutionExtendedInfo{RequestIdInfos: known},
			}, nil
		}))
		first := g.Do(t, http.MethodPost, handlerstest.UpdateWithStartPath, body, key...)
		request := &workflowservice.ExecuteMultiOperationRequest{}
		require.NoError(t, proto.Unmarshal(g.Upstream.Calls("ExecuteMultiOperation")[0].Request, request))
		known = map[string]*workflow.RequestIdInfo{request.GetOperations()[0].GetStartWorkflow().GetRequestId(): {}}

		again := g.Do(t, http.MethodPost, handlerstest.UpdateWithStartPath, body, key...)
		require.Equal(t, http.StatusOK, again.Status, again.Body)
		require.JSONEq(t, first.Body, again.Body)
		require.Equal(t, []string{"", "true"}, []string{first.Header.Get("Idempotent-Replayed"), again.Header.Get("Idempotent-Replayed")})
		require.Len(t, g.Upstream.Calls("ExecuteMultiOperation"), 1)
		require.Equal(t, temporalfake.RunID, sentUpdate(t, g, 0).GetWorkflowExecution().GetRunId())

		g.Do(t, http.MethodPost, handlerstest.UpdateWithStartPath, body, "Idempotency-Key", "l")
		require.Len(t, g.Upstream.Calls("ExecuteMultiOperation"), 2, "a request with another key is not a repetition")
	})
}

// Of two concurrent requests with the same idempotency key, one starts the workflow. The
// response to the other must also have started: true.
func TestConcurrentRepetitionsOfUpdateWithStartBothReportTheStart(t *testing.T) {
	t.Parallel()
	for _, sameKey := range []bool{true, false} {
		withUpdate(t, nil, func(t *testing.T, g *servertest.Gateway, f *temporalfake.Update) {
			f.Complete("7")
			started := false
			var known string
			g.Upstream.Handle("ExecuteMultiOperation", upstreamtest.Typed(func(
				ctx context.Context, r *workflowservice.ExecuteMultiOperationRequest,
			) (*workflowservice.ExecuteMultiOperationResponse, error) {
				if sameKey {
					known = r.GetOperations()[0].GetStartWorkflow().GetRequestId()
				}
				started = true
				f.MarkSent()
				return f.UpdateWithStart(ctx, r)
			}))
			g.Upstream.Handle("DescribeWorkflowExecution", upstreamtest.Typed(func(
				context.Context, *workflowservice.DescribeWorkflowExecutionRequest,
			) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
				if !started {
					return nil, status.Error(codes.NotFound, "workflow not found for ID: order")
				}
				return &workflowservice.DescribeWorkflowExecutionResponse{
					WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{
						Execution: &common.WorkflowExecution{WorkflowId: "order", RunId: temporalfake.RunID}, FirstRunId: temporalfake.RunID,
					},
					WorkflowExtendedInfo: &workflow.WorkflowExecutionExtendedInfo{RequestIdInfos: map[string]*workflow.RequestIdInfo{known: {}}},
				}, nil
			}))
			resp := g.Do(t, http.MethodPost, handlerstest.UpdateWithStartPath, handlerstest.UpdateWithStartBody(""), "Idempotency-Key", "k")
			require.JSONEq(t, `{"workflowId":"order","runId":"`+temporalfake.RunID+`","firstExecutionRunId":"`+temporalfake.RunID+`","started":`+
				strconv.FormatBool(sameKey)+`}`, resp.Field(t, "start"))
			require.Equal(t, sameKey, resp.Header.Get("Idempotent-Replayed") == "true")
		})
	}
}
