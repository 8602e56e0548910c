package server_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/errordetails/v1"
	"go.temporal.io/api/update/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// hostileIdempotencyKeys returns the cases about different writes with the same Idempotency-Key.
func hostileIdempotencyKeys() []hostile {
	row := func(name string, act func(*testing.T, *servertest.Gateway) string) hostile {
		return hostile{number: 90, name: name, act: act}
	}
	return []hostile{
		row("the same key from the bearers of two tokens of one principal", sameKeyFromTwoBearers),
		row("the same key for two updates", sameKeyForTwoUpdates),
		row("the same key for two starts", sameKeyForTwoStarts),
		row("the same key for two concurrent starts", sameKeyForConcurrentStarts),
	}
}

var idempotencyKey = []string{"Idempotency-Key", "k"} //nolint:gochecknoglobals // read-only

// sentSignals returns the request ids of the signals that the upstream received.
func sentSignals(t *testing.T, g *servertest.Gateway) (ids []string) {
	t.Helper()
	for _, call := range g.Upstream.Calls("SignalWorkflowExecution") {
		request := &workflowservice.SignalWorkflowExecutionRequest{}
		require.NoError(t, proto.Unmarshal(call.Request, request))
		ids = append(ids, request.GetRequestId())
	}
	return ids
}

// sameKeyFromTwoBearers sends a signal with the Idempotency-Key of another bearer's signal, as if the bearer had
// guessed the key. The request ids must differ, or the Temporal server would ignore the second signal as a repetition.
func sameKeyFromTwoBearers(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	g.Upstream.Handle("SignalWorkflowExecution", upstreamtest.Respond(&workflowservice.SignalWorkflowExecutionResponse{}))
	signal := func(token, name string) {
		resp := g.Do(t, http.MethodPost, servertest.OrderPath+"/signal", `{"signal":"`+name+`"}`, append(servertest.Bearer(token), idempotencyKey...)...)
		require.Equal(t, http.StatusNoContent, resp.Status, resp.Body)
	}
	signal(g.CreateDelegatedToken(t, `{"signals":["comment"]}`), "comment")
	approver := g.CreateDelegatedToken(t, servertest.TokenBody)
	signal(approver, "approve")
	signal(approver, "approve")
	signal(g.CreateDelegatedToken(t, servertest.TokenBody), "approve") // a token with the same permissions, created at the same time
	ids := sentSignals(t, g)
	require.NotEqual(t, ids[0], ids[1], "the server would treat the approval as a repeated comment")
	require.Equal(t, ids[1], ids[2], "a repeated approval of the same bearer has the same id")
	require.NotContains(t, ids[:3], ids[3], "each token has different request ids")
	return "3 bearers, 3 request ids"
}

// sameKeyForTwoUpdates sends different updates with the same key. For a known update id, the upstream returns the
// outcome of the first update with that id, as a Temporal server does.
func sameKeyForTwoUpdates(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	names := map[string]string{}
	g.Upstream.Handle("UpdateWorkflowExecution", upstreamtest.Typed(func(
		_ context.Context, r *workflowservice.UpdateWorkflowExecutionRequest,
	) (*workflowservice.UpdateWorkflowExecutionResponse, error) {
		id := r.GetRequest().GetMeta().GetUpdateId()
		if names[id] == "" {
			names[id] = r.GetRequest().GetInput().GetName()
		}
		return &workflowservice.UpdateWorkflowExecutionResponse{
			UpdateRef: &update.UpdateRef{WorkflowExecution: &common.WorkflowExecution{WorkflowId: "order", RunId: temporalfake.RunID}, UpdateId: id},
			Stage:     temporalfake.Completed,
			Outcome: &update.Outcome{Value: &update.Outcome_Success{Success: &common.Payloads{Payloads: []*common.Payload{{
				Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(`"` + names[id] + `"`),
			}}}}},
		}, nil
	}))
	outcome := func(body string) string {
		resp := g.Do(t, http.MethodPost, servertest.UpdatesPath, body, idempotencyKey...)
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		return resp.Field(t, "updateId") + resp.Field(t, "result")
	}
	first := outcome(`{"update":"addItem","args":[{"sku":"A-17","quantity":1}]}`)
	require.Contains(t, first, "addItem")
	require.Equal(t, first, outcome(`{ "args": [{"quantity": 1, "sku": "A-17"}], "update": "addItem" }`), "the same body, formatted differently")
	require.Contains(t, outcome(`{"update":"noSuchUpdate","args":[{"sku":"A-17","quantity":1}]}`), "noSuchUpdate")
	require.NotEqual(t, first, outcome(`{"update":"addItem","args":[{"sku":"A-17","quantity":2}]}`), "another argument")
	return fmt.Sprintf("%d updates", len(names))
}

// serveStarts makes the upstream serve starts of the workflow "w" as a Temporal server does: only a start with the
// request id of the first start succeeds again. The returned function returns the request ids of all starts.
func serveStarts(g *servertest.Gateway) func() []string {
	var mu sync.Mutex
	var ids []string
	g.Upstream.Handle("StartWorkflowExecution", upstreamtest.Typed(func(
		_ context.Context, r *workflowservice.StartWorkflowExecutionRequest,
	) (*workflowservice.StartWorkflowExecutionResponse, error) {
		mu.Lock()
		defer mu.Unlock()
		ids = append(ids, r.GetRequestId())
		if r.GetRequestId() != ids[0] {
			already, err := status.New(codes.AlreadyExists, "already started").WithDetails(
				&errordetails.WorkflowExecutionAlreadyStartedFailure{StartRequestId: ids[0], RunId: temporalfake.RunID})
			if err != nil {
				return nil, err
			}
			return nil, already.Err()
		}
		return &workflowservice.StartWorkflowExecutionResponse{RunId: temporalfake.RunID, Started: true}, nil
	}))
	g.Upstream.Handle("DescribeWorkflowExecution", upstreamtest.Typed(func(
		context.Context, *workflowservice.DescribeWorkflowExecutionRequest,
	) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
		mu.Lock()
		defer mu.Unlock()
		if len(ids) == 0 {
			return nil, status.Error(codes.NotFound, "workflow not found for ID: w")
		}
		return &workflowservice.DescribeWorkflowExecutionResponse{
			WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{
				Execution: &common.WorkflowExecution{WorkflowId: "w", RunId: temporalfake.RunID}, FirstRunId: temporalfake.RunID,
			},
			WorkflowExtendedInfo: &workflow.WorkflowExecutionExtendedInfo{RequestIdInfos: map[string]*workflow.RequestIdInfo{ids[0]: {}}},
		}, nil
	}))
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return ids
	}
}

func requireKeyReused(t *testing.T, resp servertest.Response) {
	t.Helper()
	require.Equal(t, http.StatusUnprocessableEntity, resp.Status, resp.Body)
	requireWellFormed(t, resp, "idempotency-key-reused")
	require.Equal(t, []string{"w", temporalfake.RunID}, []string{resp.Field(t, "workflowId"), resp.Field(t, "runId")})
}

func sameKeyForTwoStarts(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	sent := serveStarts(g)
	first := g.Do(t, http.MethodPost, servertest.WorkflowsPath, servertest.StartBody(`"args":[1]`), idempotencyKey...)
	require.Equal(t, http.StatusCreated, first.Status, first.Body)
	again := g.Do(t, http.MethodPost, servertest.WorkflowsPath, servertest.StartBody(`"args": [ 1 ]`), idempotencyKey...)
	require.Equal(t, []any{first.Status, first.Body}, []any{again.Status, again.Body})
	require.Equal(t, []string{"", "true"}, []string{first.Header.Get("Idempotent-Replayed"), again.Header.Get("Idempotent-Replayed")})
	for _, member := range []string{
		`"args":[2]`, `"args":[1],"idConflictPolicy":"USE_EXISTING"`, `"args":[1],"idConflictPolicy":"TERMINATE_EXISTING"`,
		`"args":[1],"startSignal":"go"`,
	} {
		requireKeyReused(t, g.Do(t, http.MethodPost, servertest.WorkflowsPath, servertest.StartBody(member), idempotencyKey...))
	}
	resp := g.Do(t, http.MethodPost, servertest.WorkflowsPath, servertest.StartBody(`"args":[2]`), "Idempotency-Key", "l")
	require.Equal(t, http.StatusConflict, resp.Status, "a request with another key is another start")
	require.Len(t, sent(), 3, "the four rejected requests cause no start")
	return "4 different bodies, 4 rejected"
}

// sameKeyForConcurrentStarts sends a second start while the upstream cannot describe the workflow yet. The upstream's
// error for the second start still contains the request id of the first one.
func sameKeyForConcurrentStarts(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	serveStarts(g)
	g.Upstream.Handle("DescribeWorkflowExecution", upstreamtest.Fail(codes.NotFound, "workflow not found for ID: w"))
	require.Equal(t, http.StatusCreated, g.Do(t, http.MethodPost, servertest.WorkflowsPath, servertest.StartBody(""), idempotencyKey...).Status)
	requireKeyReused(t, g.Do(t, http.MethodPost, servertest.WorkflowsPath, servertest.StartBody(`"args":[2]`), idempotencyKey...))
	requireWellFormed(t, g.Do(t, http.MethodPost, servertest.WorkflowsPath, servertest.StartBody(""), "Idempotency-Key", "l"), "workflow-already-started")
	return "rejected"
}
