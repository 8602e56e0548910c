package batch_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/batch/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/errordetails/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func TestABatchSendsItsOperation(t *testing.T) {
	t.Parallel()
	for operation, want := range map[string]string{
		`"terminate":{}`: `{"terminationOperation":{"identity":"writer"}}`,
		`"cancel":{}`:    `{"cancellationOperation":{"identity":"writer"}}`,
		`"delete":{}`:    `{"deletionOperation":{"identity":"writer"}}`,
		`"signal":{"signal":"go","args":[1.10]}`: `{"signalOperation":{"identity":"writer","signal":"go",
			"input":{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"MS4xMA=="}]}}}`,
		`"reset":{"resetType":"LAST_WORKFLOW_TASK","reapplyExclude":["UPDATE"]}`: `{"resetOperation":{"identity":"writer","options":{
			"lastWorkflowTask":{},"resetReapplyType":"RESET_REAPPLY_TYPE_ALL_ELIGIBLE",
			"resetReapplyExcludeTypes":["RESET_REAPPLY_EXCLUDE_TYPE_UPDATE"]}}}`,
		`"reset":{"buildId":"b","currentRunOnly":true}`: `{"resetOperation":{"identity":"writer","options":{
			"buildId":"b","currentRunOnly":true,"resetReapplyType":"RESET_REAPPLY_TYPE_ALL_ELIGIBLE"}}}`,
		`"updateOptions":{"versioningOverride":null}`: `{"updateWorkflowOptionsOperation":{"identity":"writer",
			"workflowExecutionOptions":{},"updateMask":"versioningOverride"}}`,
	} {
		synctest.Test(t, func(t *testing.T) {
			g := servertest.Start(t, servertest.Options{})
			handlerstest.HandleManagementRPCs(g)
			resp := g.Do(t, http.MethodPost, servertest.BatchesPath, `{"query":"q","operation":{`+operation+`},"jobId":"a/b","reason":"<&>","maxOperationsPerSecond":2.5}`)
			require.Equal(t, http.StatusCreated, resp.Status, resp.Body)
			require.JSONEq(t, `{"jobId":"a/b"}`, resp.Body)
			require.Equal(t, servertest.BatchesPath+"/a%2Fb", resp.Header.Get("Location"))
			request := handlerstest.OnlyRequest[*workflowservice.StartBatchOperationRequest](t, g, "StartBatchOperation")
			require.Equal(t, []string{"default", "q", "a/b", "<&>"},
				[]string{request.GetNamespace(), request.GetVisibilityQuery(), request.GetJobId(), request.GetReason()})
			require.InDelta(t, 2.5, request.GetMaxOperationsPerSecond(), 0)
			request.Namespace, request.VisibilityQuery, request.JobId, request.Reason, request.MaxOperationsPerSecond = "", "", "", "", 0
			handlerstest.RequireMessage(t, want, request)
		})
	}
}

func TestDryRunStartsNothing(t *testing.T) {
	t.Parallel()
	// The query of the count, which is empty if nothing is counted, and the response.
	for body, want := range map[string]struct{ query, response string }{
		`{"query":"a OR b","operation":{"cancel":{}},"dryRun":true}`: {
			"(a OR b) AND (ExecutionStatus='Running' OR ExecutionStatus='Paused')", `{"count":12}`,
		},
		`{"query":"a OR b","operation":{"delete":{}},"dryRun":true}`:             {"(a OR b)", `{"count":12}`},
		`{"query":"a OR b","operation":{"reset":{"buildId":"b"}},"dryRun":true}`: {"(a OR b)", `{"count":12}`},
		`{"executions":[{"workflowId":"v"},{"workflowId":"w","runId":"` + temporalfake.RunID + `"}],"operation":{"delete":{}},"dryRun":true}`: {
			"", `{"count":2}`,
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			g := servertest.Start(t, servertest.Options{})
			handlerstest.HandleManagementRPCs(g)
			resp := g.Do(t, http.MethodPost, servertest.BatchesPath, body)
			require.Equal(t, http.StatusOK, resp.Status, resp.Body)
			require.JSONEq(t, want.response, resp.Body)
			require.Empty(t, g.Upstream.Calls("StartBatchOperation"))
			if want.query != "" {
				require.Equal(t, want.query, handlerstest.OnlyRequest[*workflowservice.CountWorkflowExecutionsRequest](t, g, "CountWorkflowExecutions").GetQuery())
			}
		})
	}
}

func TestAnInvalidQueryStartsNoBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		handlerstest.HandleManagementRPCs(g)
		g.Upstream.Handle("CountWorkflowExecutions", upstreamtest.Fail(codes.InvalidArgument, "invalid query: column name 'x' is not defined"))
		for _, operation := range []string{`"cancel":{}`, `"delete":{}`} {
			resp := g.Do(t, http.MethodPost, servertest.BatchesPath, `{"query":"x = 1","operation":{`+operation+`}}`)
			require.Equal(t, []any{http.StatusBadRequest, "invalid-request"}, []any{resp.Status, resp.Field(t, "code")}, resp.Body)
			require.Contains(t, resp.Field(t, "detail"), "is not defined")
		}
		require.Empty(t, g.Upstream.Calls("StartBatchOperation"))
		resp := g.Do(t, http.MethodPost, servertest.BatchesPath, `{"executions":[{"workflowId":"w"}],"operation":{"cancel":{}}}`)
		require.Equal(t, http.StatusCreated, resp.Status, "a list of executions needs no count")
	})
}

// A failed count does not prevent the start. For example, a caller may have permission to
// start a batch and not to count workflows.
func TestABatchStartsAlthoughTheCountFails(t *testing.T) {
	t.Parallel()
	for _, code := range []codes.Code{codes.PermissionDenied, codes.Unimplemented, codes.ResourceExhausted, codes.Unavailable} {
		synctest.Test(t, func(t *testing.T) {
			g := servertest.Start(t, servertest.Options{})
			handlerstest.HandleManagementRPCs(g)
			g.Upstream.Handle("CountWorkflowExecutions", upstreamtest.Fail(code, "no"))
			require.Equal(t, http.StatusCreated, g.Do(t, http.MethodPost, servertest.BatchesPath, `{"query":"q","operation":{"cancel":{}}}`).Status)
			require.NotEqual(t, http.StatusOK, g.Do(t, http.MethodPost, servertest.BatchesPath, `{"query":"q","operation":{"cancel":{}},"dryRun":true}`).Status)
			require.Len(t, g.Upstream.Calls("StartBatchOperation"), 1)
		})
	}
}

func TestTheRunIDsOfABatchAreValidated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		handlerstest.HandleManagementRPCs(g)
		for _, dryRun := range []string{"true", "false"} {
			resp := g.Do(t, http.MethodPost, servertest.BatchesPath, `{"executions":[{"workflowId":"v","runId":"`+temporalfake.RunID+`"},{"workflowId":"w","runId":"r"}],
				"operation":{"delete":{}},"dryRun":`+dryRun+`}`)
			require.Equal(t, []any{http.StatusBadRequest, "invalid-request"}, []any{resp.Status, resp.Field(t, "code")}, resp.Body)
			require.Contains(t, resp.Body, `"/executions/1/runId"`)
		}
		require.Empty(t, g.Upstream.Calls("StartBatchOperation"))
	})
}

func TestARepeatedBatchIsTheSameJob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		g.Upstream.Handle("StartBatchOperation", upstreamtest.InTurn(
			upstreamtest.Respond(&workflowservice.StartBatchOperationResponse{}),
			upstreamtest.Fail(codes.AlreadyExists, "already started", &errordetails.WorkflowExecutionAlreadyStartedFailure{RunId: temporalfake.RunID}),
		))
		const body = `{"query":"q","operation":{"cancel":{}}}`
		first := g.Do(t, http.MethodPost, servertest.BatchesPath, body, "Idempotency-Key", "once")
		again := g.Do(t, http.MethodPost, servertest.BatchesPath, body, "Idempotency-Key", "once")
		require.Equal(t, []any{http.StatusCreated, first.Body}, []any{again.Status, again.Body})
		require.Equal(t, []string{"", "true"}, []string{first.Header.Get("Idempotent-Replayed"), again.Header.Get("Idempotent-Replayed")})
		for _, headers := range [][]string{nil, {"Idempotency-Key", "once"}} {
			resp := g.Do(t, http.MethodPost, servertest.BatchesPath, `{"query":"q","operation":{"cancel":{}},"jobId":"mine"}`, headers...)
			require.Equal(t, http.StatusConflict, resp.Status, resp.Body)
			require.Equal(t, "conflict", resp.Field(t, "code"))
			require.Empty(t, resp.Field(t, "runId"))
			require.NotContains(t, resp.Header, "Idempotent-Replayed")
		}
	})
}

func TestBatchErrorsReferToTheJobAndNotToAWorkflow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		handlerstest.HandleManagementRPCs(g)
		g.Upstream.Handle("StopBatchOperation", upstreamtest.Fail(codes.NotFound, "workflow execution already completed", &errordetails.NotFoundFailure{}))
		resp := g.Do(t, http.MethodPost, servertest.BatchesPath+"/j/stop", "")
		require.Equal(t, []any{http.StatusConflict, "conflict", "The batch job has ended."}, []any{resp.Status, resp.Field(t, "code"), resp.Field(t, "detail")})
		require.NotEmpty(t, handlerstest.OnlyRequest[*workflowservice.StopBatchOperationRequest](t, g, "StopBatchOperation").GetReason())
		for _, describe := range []upstreamtest.Handler{
			upstreamtest.Fail(codes.NotFound, "workflow not found for ID: j", &errordetails.NotFoundFailure{}),
			upstreamtest.Respond(&workflowservice.DescribeBatchOperationResponse{JobId: "j"}), // the response for a workflow that is not a job
		} {
			g.Upstream.Handle("DescribeBatchOperation", describe)
			for verb, path := range map[string]string{http.MethodGet: "/j", http.MethodPost: "/j/stop"} {
				resp := g.Do(t, verb, servertest.BatchesPath+path, "")
				require.Equal(t, []any{http.StatusNotFound, "batch-not-found"}, []any{resp.Status, resp.Field(t, "code")})
			}
		}
		require.Len(t, g.Upstream.Calls("StopBatchOperation"), 1)
	})
}

func TestBatchesAreListedInPages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		g.Upstream.Handle("ListBatchOperations", upstreamtest.Respond(&workflowservice.ListBatchOperationsResponse{
			OperationInfo: []*batch.BatchOperationInfo{{
				JobId: "j", State: enums.BATCH_OPERATION_STATE_RUNNING, OperationType: enums.BATCH_OPERATION_TYPE_SIGNAL_WORKFLOW,
				StartTime: timestamppb.New(time.Unix(1, 0)),
			}},
			NextPageToken: []byte("next"),
		}))
		resp := g.Do(t, http.MethodGet, servertest.BatchesPath+"?pageSize=1", "")
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		token := resp.Field(t, "nextPageToken")
		require.JSONEq(t, `[{"jobId":"j","state":"RUNNING","operationType":"SIGNAL_WORKFLOW","startTime":"1970-01-01T00:00:01Z"}]`, resp.Field(t, "batches"))
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, servertest.BatchesPath+"?pageToken="+token, "").Status)
		require.Equal(t, "invalid-page-token", g.Do(t, http.MethodGet, servertest.WorkflowsPath+"?pageToken="+token, "").Field(t, "code"))
		lines := g.Do(t, http.MethodGet, servertest.BatchesPath+"?limit=2&pageSize=1", "", "Accept", "application/x-ndjson")
		const line = `{"jobId":"j","state":"RUNNING","operationType":"SIGNAL_WORKFLOW","startTime":"1970-01-01T00:00:01Z"}` + "\n"
		require.Equal(t, line+line, lines.Body)
	})
}
