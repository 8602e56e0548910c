package operation_test

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
	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// instanceOperation is an operation on one workflow.
type instanceOperation struct{ id, method, path string }

// instanceOperations returns the operations on one workflow in api/openapi.yaml. It requires that each has the
// parameters that form a handle.
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
				operation.OperationID, strings.ToUpper(method), servertest.OrderPath + strings.Replace(rest, "{updateId}", "u", 1),
			})
		}
	}
	require.Greater(t, len(found), 15)
	return found
}

// body returns a valid request body, or an empty string if the operation requires none.
func (o instanceOperation) body() string {
	return map[string]string{
		"signalWorkflow": `{"signal":"approve"}`, "queryWorkflow": `{"query":"state"}`, "updateWorkflow": `{"update":"add"}`,
		"resetWorkflow": `{"eventId":4}`, "updateWorkflowOptions": `{"priority":null}`, "createToken": `{"read":true}`,
	}[o.id]
}

// query returns further parameters: those that are required, and a short wait.
func (o instanceOperation) query() string {
	return map[string]string{
		"queryWorkflowByName": "&query=state", "updateWorkflow": "&wait=2s", "getWorkflowResult": "&wait=2s",
	}[o.id]
}

// types returns the media types of the operation's response.
func (o instanceOperation) mediaTypes() []string {
	if o.id == "getWorkflowHistory" {
		return []string{"application/json", "application/x-ndjson", "text/event-stream"}
	}
	return []string{"application/json"}
}

func (o instanceOperation) send(t *testing.T, g *servertest.Gateway, query string, headers ...string) servertest.Response {
	t.Helper()
	return g.Do(t, o.method, o.path+query+o.query(), o.body(), headers...)
}

// withOrder runs a test against a gateway whose upstream has the workflow "order" and responds to all calls on it.
func withOrder(t *testing.T, test func(t *testing.T, g *servertest.Gateway)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		synctest.Wait() // the first health check is over
		temporalfake.NewWorkflow(g.Upstream).Complete()
		update := temporalfake.NewUpdate(g.Upstream)
		update.Complete(`1`)
		update.MarkSent()
		handlerstest.HandleManagementRPCs(g)
		g.Upstream.Handle("QueryWorkflow", upstreamtest.Respond(&workflowservice.QueryWorkflowResponse{}))
		for _, method := range []string{"SignalWorkflowExecution", "RequestCancelWorkflowExecution", "TerminateWorkflowExecution"} {
			g.Upstream.Handle(method, upstreamtest.RespondWithUnknownField(0)) // a response without fields
		}
		test(t, g)
	})
}

// If the RPC has a field for firstExecutionRunId, the server checks the run chain. For the other operations the gateway
// describes the run, checks its chain, and sends the run id with each further call.
func TestEveryInstanceOperationChecksTheRunChain(t *testing.T) {
	t.Parallel()
	checkedByRPC := []string{"cancelWorkflow", "terminateWorkflow", "updateWorkflow"}
	for _, operation := range instanceOperations(t) {
		t.Run(operation.id, func(t *testing.T) {
			t.Parallel()
			descriptions := 1 // the calls with which the gateway checks the chain
			if slices.Contains(checkedByRPC, operation.id) {
				descriptions = 0
			}
			for _, accept := range operation.mediaTypes() {
				withOrder(t, func(t *testing.T, g *servertest.Gateway) {
					resp := operation.send(t, g, "?firstExecutionRunId="+temporalfake.RunID, "Accept", accept)
					require.Less(t, resp.Status, http.StatusBadRequest, resp.Body)
					calls := g.Upstream.AllCalls()[1:] // the first is the health check
					for _, call := range calls[descriptions:] {
						require.Contains(t, string(call.Request), temporalfake.RunID, call.Method)
					}
					if descriptions == 1 {
						require.Equal(t, "DescribeWorkflowExecution", calls[0].Method)
						require.NotContains(t, string(calls[0].Request), temporalfake.RunID)
					}
				})
				if descriptions == 0 {
					continue
				}
				withOrder(t, func(t *testing.T, g *servertest.Gateway) {
					resp := operation.send(t, g, "?firstExecutionRunId="+handlerstest.NewRunID, "Accept", accept)
					require.Equal(t, http.StatusConflict, resp.Status, resp.Body)
					require.Equal(t, []string{"run-chain-mismatch", "order"}, []string{resp.Field(t, "code"), resp.Field(t, "workflowId")})
					require.Len(t, g.Upstream.Calls("DescribeWorkflowExecution"), 1)
					require.Equal(t, 1, g.UpstreamCalls(), "the description is the only call")
				})
			}
		})
	}
}

// Old servers do not return the first run id, so the chain cannot be checked.
func TestWithoutAFirstRunIDFromTheServerTheRunChainCheckFails(t *testing.T) {
	t.Parallel()
	withOrder(t, func(t *testing.T, g *servertest.Gateway) {
		g.Upstream.Handle("DescribeWorkflowExecution", upstreamtest.Respond(&workflowservice.DescribeWorkflowExecutionResponse{
			WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{Execution: &common.WorkflowExecution{WorkflowId: "order", RunId: temporalfake.RunID}},
		}))
		resp := g.Do(t, http.MethodPost, servertest.OrderPath+"/signal?firstExecutionRunId="+temporalfake.RunID, `{"signal":"approve"}`)
		require.Equal(t, "run-chain-mismatch", resp.Field(t, "code"), resp.Body)
		require.Empty(t, g.Upstream.Calls("SignalWorkflowExecution"))
	})
}

// The response to firstExecutionRunId reveals to which chain a workflow belongs. So the bearer of a delegated token can
// use the parameter only if the token permits reading the workflow.
func TestADelegatedTokenCannotProbeRunChains(t *testing.T) {
	t.Parallel()
	withOrder(t, func(t *testing.T, g *servertest.Gateway) {
		signals := servertest.Bearer(g.CreateDelegatedToken(t, `{"signals":["approve"]}`))
		reads := servertest.Bearer(g.CreateDelegatedToken(t, servertest.TokenBody))
		oneRun := servertest.Bearer(g.Do(t, http.MethodPost, servertest.OrderPath+"/tokens?runId="+temporalfake.RunID, servertest.TokenBody).Field(t, "token"))
		for _, firstRunID := range []string{temporalfake.RunID, handlerstest.NewRunID} {
			query := "?firstExecutionRunId=" + firstRunID
			for _, test := range []struct {
				credential []string
				path       string
			}{{signals, servertest.OrderPath}, {oneRun, servertest.OrderPath}, {reads, servertest.WorkflowsPath + "/other"}} {
				resp := g.Do(t, http.MethodPost, test.path+"/signal"+query, `{"signal":"approve"}`, test.credential...)
				require.Equal(t, "operation-forbidden", resp.Field(t, "code"), resp.Body)
			}
		}
		require.Zero(t, g.UpstreamCalls())
		const query = "/signal?firstExecutionRunId=" + temporalfake.RunID
		resp := g.Do(t, http.MethodPost, servertest.OrderPath+query, `{"signal":"approve"}`, reads...)
		require.Equal(t, http.StatusNoContent, resp.Status, resp.Body)
		resp = g.Do(t, http.MethodPost, servertest.OrderPath+query+"&runId="+temporalfake.RunID, `{"signal":"approve"}`, oneRun...)
		require.Equal(t, http.StatusNoContent, resp.Status, resp.Body)
	})
}

// A token that is requested for a chain is issued for the run that was found, because the workflow id may belong to
// another chain before the token expires.
func TestATokenForARunChainPermitsOneRun(t *testing.T) {
	t.Parallel()
	withOrder(t, func(t *testing.T, g *servertest.Gateway) {
		resp := g.Do(t, http.MethodPost, servertest.OrderPath+"/tokens?firstExecutionRunId="+temporalfake.RunID, servertest.TokenBody)
		require.Equal(t, temporalfake.RunID, resp.Field(t, "runId"), resp.Body)
		credential := servertest.Bearer(resp.Field(t, "token"))
		require.Equal(t, http.StatusForbidden, g.Do(t, http.MethodGet, servertest.OrderPath, "", credential...).Status)
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, servertest.OrderPath+"?runId="+temporalfake.RunID, "", credential...).Status)
	})
}

// The second page is of the same run as the first, although the chain has continued in a new run.
func TestThePagesOfAHistoryAreOfOneRun(t *testing.T) {
	t.Parallel()
	handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, chain *temporalfake.RunChain) {
		chain.Signal(2)
		query := "/history?pageSize=1&firstExecutionRunId=" + temporalfake.ChainRunID(1)
		token := "&pageToken=" + g.Do(t, http.MethodGet, servertest.OrderPath+query, "").Field(t, "nextPageToken")
		chain.ContinueAsNew()
		resp := g.Do(t, http.MethodGet, servertest.OrderPath+query+token, "")
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		calls := g.Upstream.Calls("GetWorkflowExecutionHistory")
		require.Equal(t, []string{temporalfake.ChainRunID(1), ""}, []string{
			servertest.FieldString(servertest.DecodeRequest(t, calls[0]), "execution.run_id"), servertest.FieldString(servertest.DecodeRequest(t, calls[1]), "execution.run_id"),
		}, "the second request needs no run id, because Temporal's page token contains it")
		resp = g.Do(t, http.MethodGet, servertest.OrderPath+"/history?pageSize=1"+token, "")
		require.Equal(t, "invalid-page-token", resp.Field(t, "code"), resp.Body)
	})
}

// A stream cannot resume after an event of another run chain.
func TestAStreamReadsOnlyItsRunChain(t *testing.T) {
	t.Parallel()
	handlerstest.WithChain(t, nil, func(t *testing.T, g *servertest.Gateway, chain *temporalfake.RunChain) {
		chain.ContinueAsNew()
		chain.Terminate()
		query := servertest.OrderPath + "/history?followRuns=false&firstExecutionRunId=" + temporalfake.ChainRunID(1)
		headers := []string{"Accept", "text/event-stream", "Last-Event-ID", temporalfake.ChainRunID(1) + "/1"}
		resp := g.Do(t, http.MethodGet, query, "", headers...)
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		require.Contains(t, resp.Body, "id: "+temporalfake.ChainRunID(1)+"/2\n")
		g.Upstream.Handle("DescribeWorkflowExecution", upstreamtest.Typed(func(
			ctx context.Context, q *workflowservice.DescribeWorkflowExecutionRequest,
		) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
			described, err := chain.Describe(ctx, q)
			if q.GetExecution().GetRunId() == temporalfake.ChainRunID(1) { // make it a run of another chain
				described.WorkflowExecutionInfo.FirstRunId = temporalfake.ChainRunID(0)
			}
			return described, err
		}))
		resp = g.Do(t, http.MethodGet, query, "", headers...)
		require.Equal(t, "invalid-request", resp.Field(t, "code"), resp.Body)
	})
}
