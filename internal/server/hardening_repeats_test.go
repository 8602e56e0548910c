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

	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// hostileRepeats are the cases about one Idempotency-Key of two writes.
func hostileRepeats() []hostile {
	row := func(name string, act func(*testing.T, *gateway) string) hostile {
		return hostile{number: 90, name: name, act: act}
	}
	return []hostile{
		row("one key of two bearers of one maker's tokens", keyOfTwoBearers),
		row("one key of two updates", keyOfTwoUpdates),
		row("one key of two starts", keyOfTwoStarts),
		row("one key of two starts at once", keyOfTwoStartsAtOnce),
	}
}

var onceKey = []string{"Idempotency-Key", "k"} //nolint:gochecknoglobals // never written to

// sentSignals gives the request ids of the signals that were sent.
func sentSignals(t *testing.T, g *gateway) (ids []string) {
	t.Helper()
	for _, call := range g.upstream.Calls("SignalWorkflowExecution") {
		request := &workflowservice.SignalWorkflowExecutionRequest{}
		require.NoError(t, proto.Unmarshal(call.Request, request))
		ids = append(ids, request.GetRequestId())
	}
	return ids
}

// keyOfTwoBearers has the bearer of a token for comments guess the key of another bearer's approval.
func keyOfTwoBearers(t *testing.T, g *gateway) string {
	t.Helper()
	g.upstream.Handle("SignalWorkflowExecution", upstreamtest.Respond(&workflowservice.SignalWorkflowExecutionResponse{}))
	signal := func(token, name string) {
		a := g.do(t, http.MethodPost, order+"/signal", `{"signal":"`+name+`"}`, append(bearer(token), onceKey...)...)
		require.Equal(t, http.StatusNoContent, a.status, a.body)
	}
	signal(g.delegate(t, `{"signals":["comment"]}`), "comment")
	approver := g.delegate(t, approval)
	signal(approver, "approve")
	signal(approver, "approve")
	signal(g.delegate(t, approval), "approve") // a token of the same moment and scope
	ids := sentSignals(t, g)
	require.NotEqual(t, ids[0], ids[1], "the server takes the approval for a repeated comment")
	require.Equal(t, ids[1], ids[2], "the same bearer's repeated approval is one")
	require.NotContains(t, ids[:3], ids[3], "each token is a caller of its own")
	return "3 bearers, 3 request ids"
}

// keyOfTwoUpdates sends two updates under one key to a server that gives each id the outcome of its first update.
func keyOfTwoUpdates(t *testing.T, g *gateway) string {
	t.Helper()
	names := map[string]string{}
	g.upstream.Handle("UpdateWorkflowExecution", upstreamtest.Typed(func(
		_ context.Context, r *workflowservice.UpdateWorkflowExecutionRequest,
	) (*workflowservice.UpdateWorkflowExecutionResponse, error) {
		id := r.GetRequest().GetMeta().GetUpdateId()
		if names[id] == "" {
			names[id] = r.GetRequest().GetInput().GetName()
		}
		return &workflowservice.UpdateWorkflowExecutionResponse{
			UpdateRef: &update.UpdateRef{WorkflowExecution: &common.WorkflowExecution{WorkflowId: "order", RunId: runID}, UpdateId: id},
			Stage:     completed,
			Outcome: &update.Outcome{Value: &update.Outcome_Success{Success: &common.Payloads{Payloads: []*common.Payload{{
				Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(`"` + names[id] + `"`),
			}}}}},
		}, nil
	}))
	outcome := func(body string) string {
		a := g.do(t, http.MethodPost, updatesPath, body, onceKey...)
		require.Equal(t, http.StatusOK, a.status, a.body)
		return a.field(t, "updateId") + a.field(t, "result")
	}
	first := outcome(`{"update":"addItem","args":[{"sku":"A-17","quantity":1}]}`)
	require.Contains(t, first, "addItem")
	require.Equal(t, first, outcome(`{ "args": [{"quantity": 1, "sku": "A-17"}], "update": "addItem" }`), "the same body in another form")
	require.Contains(t, outcome(`{"update":"noSuchUpdate","args":[{"sku":"A-17","quantity":1}]}`), "noSuchUpdate")
	require.NotEqual(t, first, outcome(`{"update":"addItem","args":[{"sku":"A-17","quantity":2}]}`), "another argument")
	return fmt.Sprintf("%d updates", len(names))
}

// knowing has the upstream know the workflow w as a server does: by the request id of its start. It gives the request
// ids of all starts.
func knowing(g *gateway) func() []string {
	var mu sync.Mutex
	var ids []string
	g.upstream.Handle("StartWorkflowExecution", upstreamtest.Typed(func(
		_ context.Context, r *workflowservice.StartWorkflowExecutionRequest,
	) (*workflowservice.StartWorkflowExecutionResponse, error) {
		mu.Lock()
		defer mu.Unlock()
		ids = append(ids, r.GetRequestId())
		if r.GetRequestId() != ids[0] {
			already, err := status.New(codes.AlreadyExists, "already started").WithDetails(
				&errordetails.WorkflowExecutionAlreadyStartedFailure{StartRequestId: ids[0], RunId: runID})
			if err != nil {
				return nil, err
			}
			return nil, already.Err()
		}
		return &workflowservice.StartWorkflowExecutionResponse{RunId: runID, Started: true}, nil
	}))
	g.upstream.Handle("DescribeWorkflowExecution", upstreamtest.Typed(func(
		context.Context, *workflowservice.DescribeWorkflowExecutionRequest,
	) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
		mu.Lock()
		defer mu.Unlock()
		if len(ids) == 0 {
			return nil, status.Error(codes.NotFound, "workflow not found for ID: w")
		}
		return &workflowservice.DescribeWorkflowExecutionResponse{
			WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{
				Execution: &common.WorkflowExecution{WorkflowId: "w", RunId: runID}, FirstRunId: runID,
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

func requireReused(t *testing.T, a answered) {
	t.Helper()
	require.Equal(t, http.StatusUnprocessableEntity, a.status, a.body)
	requireForm(t, a, "idempotency-key-reused")
	require.Equal(t, []string{"w", runID}, []string{a.field(t, "workflowId"), a.field(t, "runId")})
}

func keyOfTwoStarts(t *testing.T, g *gateway) string {
	t.Helper()
	sent := knowing(g)
	first := g.do(t, http.MethodPost, workflows, start1(`"args":[1]`), onceKey...)
	require.Equal(t, http.StatusCreated, first.status, first.body)
	again := g.do(t, http.MethodPost, workflows, start1(`"args": [ 1 ]`), onceKey...)
	require.Equal(t, []any{first.status, first.body}, []any{again.status, again.body})
	for _, other := range []string{
		`"args":[2]`, `"args":[1],"idConflictPolicy":"USE_EXISTING"`, `"args":[1],"idConflictPolicy":"TERMINATE_EXISTING"`,
		`"args":[1],"startSignal":"go"`,
	} {
		requireReused(t, g.do(t, http.MethodPost, workflows, start1(other), onceKey...))
	}
	a := g.do(t, http.MethodPost, workflows, start1(`"args":[2]`), "Idempotency-Key", "l")
	require.Equal(t, http.StatusConflict, a.status, "another key is another start")
	require.Len(t, sent(), 3)
	return "4 other bodies, 4 refused"
}

// keyOfTwoStartsAtOnce has the second start find nothing, and then the server find the first.
func keyOfTwoStartsAtOnce(t *testing.T, g *gateway) string {
	t.Helper()
	knowing(g)
	g.upstream.Handle("DescribeWorkflowExecution", upstreamtest.Fail(codes.NotFound, "workflow not found for ID: w"))
	require.Equal(t, http.StatusCreated, g.do(t, http.MethodPost, workflows, start1(""), onceKey...).status)
	requireReused(t, g.do(t, http.MethodPost, workflows, start1(`"args":[2]`), onceKey...))
	requireForm(t, g.do(t, http.MethodPost, workflows, start1(""), "Idempotency-Key", "l"), "workflow-already-started")
	return "refused"
}
