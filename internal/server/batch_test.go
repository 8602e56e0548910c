package server_test

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

	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func TestBatchSendsTheOneOperation(t *testing.T) {
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
			g := start(t, startOptions{})
			answering(g)
			a := g.do(t, http.MethodPost, batches, `{"query":"q","operation":{`+operation+`},"jobId":"a/b","reason":"<&>","maxOperationsPerSecond":2.5}`)
			require.Equal(t, http.StatusCreated, a.status, a.body)
			require.JSONEq(t, `{"jobId":"a/b"}`, a.body)
			require.Equal(t, batches+"/a%2Fb", a.header.Get("Location"))
			request := asked[*workflowservice.StartBatchOperationRequest](t, g, "StartBatchOperation")
			require.Equal(t, []string{"default", "q", "a/b", "<&>"},
				[]string{request.GetNamespace(), request.GetVisibilityQuery(), request.GetJobId(), request.GetReason()})
			require.InDelta(t, 2.5, request.GetMaxOperationsPerSecond(), 0)
			request.Namespace, request.VisibilityQuery, request.JobId, request.Reason, request.MaxOperationsPerSecond = "", "", "", "", 0
			requireRequest(t, want, request)
		})
	}
}

func TestDryRunStartsNothing(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]struct{ query, count string }{
		`{"query":"a OR b","operation":{"cancel":{}},"dryRun":true}`: {
			"(a OR b) AND (ExecutionStatus='Running' OR ExecutionStatus='Paused')", `{"count":12}`,
		},
		`{"query":"a OR b","operation":{"delete":{}},"dryRun":true}`:             {"(a OR b)", `{"count":12}`},
		`{"query":"a OR b","operation":{"reset":{"buildId":"b"}},"dryRun":true}`: {"(a OR b)", `{"count":12}`},
		`{"executions":[{"workflowId":"v"},{"workflowId":"w","runId":"` + runID + `"}],"operation":{"delete":{}},"dryRun":true}`: {
			"", `{"count":2}`,
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			g := start(t, startOptions{})
			answering(g)
			a := g.do(t, http.MethodPost, batches, body)
			require.Equal(t, http.StatusOK, a.status, a.body)
			require.JSONEq(t, want.count, a.body)
			require.Empty(t, g.upstream.Calls("StartBatchOperation"))
			if want.query != "" {
				require.Equal(t, want.query, asked[*workflowservice.CountWorkflowExecutionsRequest](t, g, "CountWorkflowExecutions").GetQuery())
			}
		})
	}
}

func TestAQueryThatCannotBeRunStartsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{})
		answering(g)
		g.upstream.Handle("CountWorkflowExecutions", upstreamtest.Fail(codes.InvalidArgument, "invalid query: column name 'x' is not defined"))
		for _, operation := range []string{`"cancel":{}`, `"delete":{}`} {
			a := g.do(t, http.MethodPost, batches, `{"query":"x = 1","operation":{`+operation+`}}`)
			require.Equal(t, []any{http.StatusBadRequest, "invalid-request"}, []any{a.status, a.field(t, "code")}, a.body)
			require.Contains(t, a.field(t, "detail"), "is not defined")
		}
		require.Empty(t, g.upstream.Calls("StartBatchOperation"))
		a := g.do(t, http.MethodPost, batches, `{"executions":[{"workflowId":"w"}],"operation":{"cancel":{}}}`)
		require.Equal(t, http.StatusCreated, a.status, "there is nothing to count")
	})
}

// TestABatchNeedsNoCount: who may start it may be refused the count, and a count
// may fail where a start does not.
func TestABatchNeedsNoCount(t *testing.T) {
	t.Parallel()
	for _, code := range []codes.Code{codes.PermissionDenied, codes.Unimplemented, codes.ResourceExhausted, codes.Unavailable} {
		synctest.Test(t, func(t *testing.T) {
			g := start(t, startOptions{})
			answering(g)
			g.upstream.Handle("CountWorkflowExecutions", upstreamtest.Fail(code, "no"))
			require.Equal(t, http.StatusCreated, g.do(t, http.MethodPost, batches, `{"query":"q","operation":{"cancel":{}}}`).status)
			require.NotEqual(t, http.StatusOK, g.do(t, http.MethodPost, batches, `{"query":"q","operation":{"cancel":{}},"dryRun":true}`).status)
			require.Len(t, g.upstream.Calls("StartBatchOperation"), 1)
		})
	}
}

func TestARunOfABatchHasARunsID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{})
		answering(g)
		for _, dryRun := range []string{"true", "false"} {
			a := g.do(t, http.MethodPost, batches, `{"executions":[{"workflowId":"v","runId":"`+runID+`"},{"workflowId":"w","runId":"r"}],
				"operation":{"delete":{}},"dryRun":`+dryRun+`}`)
			require.Equal(t, []any{http.StatusBadRequest, "invalid-request"}, []any{a.status, a.field(t, "code")}, a.body)
			require.Contains(t, a.body, `"/executions/1/runId"`)
		}
		require.Empty(t, g.upstream.Calls("StartBatchOperation"))
	})
}

func TestARepeatedBatchIsTheSameJob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{})
		g.upstream.Handle("StartBatchOperation", upstreamtest.InTurn(
			upstreamtest.Respond(&workflowservice.StartBatchOperationResponse{}),
			upstreamtest.Fail(codes.AlreadyExists, "already started", &errordetails.WorkflowExecutionAlreadyStartedFailure{RunId: runID}),
		))
		const body = `{"query":"q","operation":{"cancel":{}}}`
		first := g.do(t, http.MethodPost, batches, body, "Idempotency-Key", "once")
		again := g.do(t, http.MethodPost, batches, body, "Idempotency-Key", "once")
		require.Equal(t, []any{http.StatusCreated, first.body}, []any{again.status, again.body})
		for _, headers := range [][]string{nil, {"Idempotency-Key", "once"}} {
			a := g.do(t, http.MethodPost, batches, `{"query":"q","operation":{"cancel":{}},"jobId":"mine"}`, headers...)
			require.Equal(t, http.StatusConflict, a.status, a.body)
			require.Equal(t, "conflict", a.field(t, "code"))
			require.Empty(t, a.field(t, "runId"))
		}
	})
}

func TestBatchErrorsSpeakOfBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{})
		answering(g)
		g.upstream.Handle("StopBatchOperation", upstreamtest.Fail(codes.NotFound, "workflow execution already completed", &errordetails.NotFoundFailure{}))
		a := g.do(t, http.MethodPost, batches+"/j/stop", "")
		require.Equal(t, []any{http.StatusConflict, "conflict", "The batch job has ended."}, []any{a.status, a.field(t, "code"), a.field(t, "detail")})
		require.NotEmpty(t, asked[*workflowservice.StopBatchOperationRequest](t, g, "StopBatchOperation").GetReason())
		for _, describe := range []upstreamtest.Handler{
			upstreamtest.Fail(codes.NotFound, "workflow not found for ID: j", &errordetails.NotFoundFailure{}),
			upstreamtest.Respond(&workflowservice.DescribeBatchOperationResponse{JobId: "j"}), // what the server says of any workflow
		} {
			g.upstream.Handle("DescribeBatchOperation", describe)
			for verb, path := range map[string]string{http.MethodGet: "/j", http.MethodPost: "/j/stop"} {
				a := g.do(t, verb, batches+path, "")
				require.Equal(t, []any{http.StatusNotFound, "batch-not-found"}, []any{a.status, a.field(t, "code")})
			}
		}
		require.Len(t, g.upstream.Calls("StopBatchOperation"), 1)
	})
}

func TestBatchesAreListedByPages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{})
		g.upstream.Handle("ListBatchOperations", upstreamtest.Respond(&workflowservice.ListBatchOperationsResponse{
			OperationInfo: []*batch.BatchOperationInfo{{
				JobId: "j", State: enums.BATCH_OPERATION_STATE_RUNNING, OperationType: enums.BATCH_OPERATION_TYPE_SIGNAL_WORKFLOW,
				StartTime: timestamppb.New(time.Unix(1, 0)),
			}},
			NextPageToken: []byte("next"),
		}))
		a := g.do(t, http.MethodGet, batches+"?pageSize=1", "")
		require.Equal(t, http.StatusOK, a.status, a.body)
		token := a.field(t, "nextPageToken")
		require.JSONEq(t, `[{"jobId":"j","state":"RUNNING","operationType":"SIGNAL_WORKFLOW","startTime":"1970-01-01T00:00:01Z"}]`, a.field(t, "batches"))
		require.Equal(t, http.StatusOK, g.do(t, http.MethodGet, batches+"?pageToken="+token, "").status)
		require.Equal(t, "invalid-page-token", g.do(t, http.MethodGet, workflows+"?pageToken="+token, "").field(t, "code"))
		lines := g.do(t, http.MethodGet, batches+"?limit=2&pageSize=1", "", "Accept", "application/x-ndjson")
		const line = `{"jobId":"j","state":"RUNNING","operationType":"SIGNAL_WORKFLOW","startTime":"1970-01-01T00:00:01Z"}` + "\n"
		require.Equal(t, line+line, lines.body)
	})
}
