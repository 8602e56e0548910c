package server_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/api"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// instanceOperation is an operation on one workflow.
type instanceOperation struct{ id, method, path string }

// instanceOperations are those of the API's document. Each must take the parameters of the SDK's handle.
func instanceOperations(t *testing.T) []instanceOperation {
	t.Helper()
	type reference struct {
		Ref string `json:"$ref"`
	}
	var document struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	require.NoError(t, json.Unmarshal(api.OpenAPIJSON(), &document))
	var found []instanceOperation
	for path, item := range document.Paths {
		rest, is := strings.CutPrefix(path, "/v1/namespaces/{namespace}/workflows/{workflowId}")
		if !is {
			continue
		}
		var shared []reference
		require.NoError(t, json.Unmarshal(item["parameters"], &shared))
		for _, name := range []string{"WorkflowIdQueryParam", "RunIdParam", "FirstExecutionRunIdParam"} {
			require.Contains(t, shared, reference{"#/components/parameters/" + name}, path)
		}
		for method, text := range item {
			if method == "parameters" {
				continue
			}
			var operation struct {
				OperationID string `json:"operationId"`
			}
			require.NoError(t, json.Unmarshal(text, &operation))
			found = append(found, instanceOperation{
				operation.OperationID, strings.ToUpper(method), order + strings.Replace(rest, "{updateId}", "u", 1),
			})
		}
	}
	require.Greater(t, len(found), 15)
	return found
}

// body is the one that the operation needs, if any.
func (o instanceOperation) body() string {
	return map[string]string{
		"signalWorkflow": `{"signal":"approve"}`, "queryWorkflow": `{"query":"state"}`, "updateWorkflow": `{"update":"add"}`,
		"resetWorkflow": `{"eventId":4}`, "updateWorkflowOptions": `{"priority":null}`, "createToken": `{"read":true}`,
	}[o.id]
}

// query are further parameters, which have the operation end.
func (o instanceOperation) query() string {
	return map[string]string{
		"queryWorkflowByName": "&query=state", "updateWorkflow": "&wait=2s", "getWorkflowResult": "&wait=2s",
	}[o.id]
}

// types are the media types of what the operation answers.
func (o instanceOperation) types() []string {
	if o.id == "getWorkflowHistory" {
		return []string{"application/json", "application/x-ndjson", "text/event-stream"}
	}
	return []string{"application/json"}
}

func (o instanceOperation) call(t *testing.T, g *gateway, query string, headers ...string) answered {
	t.Helper()
	return g.do(t, o.method, o.path+query+o.query(), o.body(), headers...)
}

// pinning is an upstream with a workflow that takes whatever there is.
func pinning(t *testing.T, test func(t *testing.T, g *gateway)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{})
		synctest.Wait() // past the health watch's first call
		newFakeWorkflow(g.upstream).close()
		update := newFakeUpdate(g.upstream)
		update.complete(`1`)
		update.sent = true
		answering(g)
		g.upstream.Handle("QueryWorkflow", upstreamtest.Respond(&workflowservice.QueryWorkflowResponse{}))
		for _, method := range []string{"SignalWorkflowExecution", "RequestCancelWorkflowExecution", "TerminateWorkflowExecution"} {
			g.upstream.Handle(method, upstreamtest.Unknown(0)) // an answer without members
		}
		test(t, g)
	})
}

// TestEveryInstanceOperationIsHeldToItsChain: by the RPC, where that has a field for it, and by the gateway everywhere else,
// which then names the run that it found to everything that it calls.
func TestEveryInstanceOperationIsHeldToItsChain(t *testing.T) {
	t.Parallel()
	byRPC := []string{"cancelWorkflow", "terminateWorkflow", "updateWorkflow"}
	for _, operation := range instanceOperations(t) {
		t.Run(operation.id, func(t *testing.T) {
			t.Parallel()
			looks := 1
			if slices.Contains(byRPC, operation.id) {
				looks = 0
			}
			for _, accept := range operation.types() {
				pinning(t, func(t *testing.T, g *gateway) {
					a := operation.call(t, g, "?firstExecutionRunId="+runID, "Accept", accept)
					require.Less(t, a.status, http.StatusBadRequest, a.body)
					calls := g.upstream.AllCalls()[1:] // the first is the health watch's
					for _, call := range calls[looks:] {
						require.Contains(t, string(call.Request), runID, call.Method)
					}
					if looks == 1 {
						require.Equal(t, "DescribeWorkflowExecution", calls[0].Method)
						require.NotContains(t, string(calls[0].Request), runID)
					}
				})
				if looks == 0 {
					continue
				}
				pinning(t, func(t *testing.T, g *gateway) {
					a := operation.call(t, g, "?firstExecutionRunId="+newRun, "Accept", accept)
					require.Equal(t, http.StatusConflict, a.status, a.body)
					require.Equal(t, []string{"run-chain-mismatch", "order"}, []string{a.field(t, "code"), a.field(t, "workflowId")})
					require.Len(t, g.upstream.Calls("DescribeWorkflowExecution"), 1)
					require.Equal(t, 1, g.asked(), "nothing else is called")
				})
			}
		})
	}
}

// TestAServerThatTellsNoChainProvesNothing: old ones do not.
func TestAServerThatTellsNoChainProvesNothing(t *testing.T) {
	t.Parallel()
	pinning(t, func(t *testing.T, g *gateway) {
		g.upstream.Handle("DescribeWorkflowExecution", upstreamtest.Respond(&workflowservice.DescribeWorkflowExecutionResponse{
			WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{Execution: &common.WorkflowExecution{WorkflowId: "order", RunId: runID}},
		}))
		a := g.do(t, http.MethodPost, order+"/signal?firstExecutionRunId="+runID, `{"signal":"approve"}`)
		require.Equal(t, "run-chain-mismatch", a.field(t, "code"), a.body)
		require.Empty(t, g.upstream.Calls("SignalWorkflowExecution"))
	})
}

// TestATokenLearnsNothingOfTheChain: its bearer may ask for the chain of what it may describe, and of nothing else.
func TestATokenLearnsNothingOfTheChain(t *testing.T) {
	t.Parallel()
	pinning(t, func(t *testing.T, g *gateway) {
		signals := bearer(g.delegate(t, `{"signals":["approve"]}`))
		reads := bearer(g.delegate(t, approval))
		oneRun := bearer(g.do(t, http.MethodPost, order+"/tokens?runId="+runID, approval).field(t, "token"))
		for _, first := range []string{runID, newRun} {
			query := "?firstExecutionRunId=" + first
			for _, test := range []struct {
				credential []string
				path       string
			}{{signals, order}, {oneRun, order}, {reads, workflows + "/other"}} {
				a := g.do(t, http.MethodPost, test.path+"/signal"+query, `{"signal":"approve"}`, test.credential...)
				require.Equal(t, "operation-forbidden", a.field(t, "code"), a.body)
			}
		}
		require.Zero(t, g.asked())
		const query = "/signal?firstExecutionRunId=" + runID
		a := g.do(t, http.MethodPost, order+query, `{"signal":"approve"}`, reads...)
		require.Equal(t, http.StatusNoContent, a.status, a.body)
		a = g.do(t, http.MethodPost, order+query+"&runId="+runID, `{"signal":"approve"}`, oneRun...)
		require.Equal(t, http.StatusNoContent, a.status, a.body)
	})
}

// TestATokenForAChainIsForItsRun: the id may come to mean another chain while the token lasts.
func TestATokenForAChainIsForItsRun(t *testing.T) {
	t.Parallel()
	pinning(t, func(t *testing.T, g *gateway) {
		a := g.do(t, http.MethodPost, order+"/tokens?firstExecutionRunId="+runID, approval)
		require.Equal(t, runID, a.field(t, "runId"), a.body)
		credential := bearer(a.field(t, "token"))
		require.Equal(t, http.StatusForbidden, g.do(t, http.MethodGet, order, "", credential...).status)
		require.Equal(t, http.StatusOK, g.do(t, http.MethodGet, order+"?runId="+runID, "", credential...).status)
	})
}

// TestPagesOfAChainGoOnInTheirRun, though it has been succeeded meanwhile.
func TestPagesOfAChainGoOnInTheirRun(t *testing.T) {
	t.Parallel()
	chained(t, nil, func(t *testing.T, g *gateway, chain *fakeChain) {
		chain.signal(2)
		query := "/history?pageSize=1&firstExecutionRunId=" + chainRun(1)
		token := "&pageToken=" + g.do(t, http.MethodGet, order+query, "").field(t, "nextPageToken")
		chain.continueAsNew()
		a := g.do(t, http.MethodGet, order+query+token, "")
		require.Equal(t, http.StatusOK, a.status, a.body)
		calls := g.upstream.Calls("GetWorkflowExecutionHistory")
		require.Equal(t, []string{chainRun(1), ""}, []string{
			text(requestOf(t, calls[0]), "execution.run_id"), text(requestOf(t, calls[1]), "execution.run_id"),
		}, "Temporal's token names the run")
		a = g.do(t, http.MethodGet, order+"/history?pageSize=1"+token, "")
		require.Equal(t, "invalid-page-token", a.field(t, "code"), a.body)
	})
}

// TestAStreamOfAChainGoesOnInItsRuns, and in no other's.
func TestAStreamOfAChainGoesOnInItsRuns(t *testing.T) {
	t.Parallel()
	chained(t, nil, func(t *testing.T, g *gateway, chain *fakeChain) {
		chain.continueAsNew()
		chain.terminate()
		query := order + "/history?followRuns=false&firstExecutionRunId=" + chainRun(1)
		headers := []string{"Accept", "text/event-stream", "Last-Event-ID", chainRun(1) + "/1"}
		a := g.do(t, http.MethodGet, query, "", headers...)
		require.Equal(t, http.StatusOK, a.status, a.body)
		require.Contains(t, a.body, "id: "+chainRun(1)+"/2\n")
		g.upstream.Handle("DescribeWorkflowExecution", upstreamtest.Typed(func(
			ctx context.Context, q *workflowservice.DescribeWorkflowExecutionRequest,
		) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
			described, err := chain.describe(ctx, q)
			if q.GetExecution().GetRunId() == chainRun(1) { // of a chain that had the id before
				described.WorkflowExecutionInfo.FirstRunId = chainRun(0)
			}
			return described, err
		}))
		a = g.do(t, http.MethodGet, query, "", headers...)
		require.Equal(t, "invalid-request", a.field(t, "code"), a.body)
	})
}
