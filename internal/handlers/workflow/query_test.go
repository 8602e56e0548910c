package workflow_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/errordetails/v1"
	"go.temporal.io/api/failure/v1"
	"go.temporal.io/api/query/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func payloadsOf(encoding, data string) *common.Payloads {
	return &common.Payloads{Payloads: []*common.Payload{{Metadata: map[string][]byte{"encoding": []byte(encoding)}, Data: []byte(data)}}}
}

func TestQueryReturnsTheResultByteForByte(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		for want, result := range map[string]*common.Payloads{
			`{"result":{"b":1.10,"a":[]}}` + "\n": payloadsOf("json/plain", `{"b":1.10,"a":[]}`),
			`{"result":null}` + "\n":              payloadsOf("binary/null", ""),
			`{}` + "\n":                           nil,
			`{"resultPayload":{"metadata":{"encoding":"YmluYXJ5L3BsYWlu"},"data":"aGk="}}` + "\n": payloadsOf("binary/plain", "hi"),
		} {
			g.Upstream.Handle("QueryWorkflow", upstreamtest.Respond(&workflowservice.QueryWorkflowResponse{QueryResult: result}))
			byPost := g.Do(t, http.MethodPost, servertest.OrderPath+"/query", `{"query":"cart","args":[1.0]}`)
			require.Equal(t, []any{http.StatusOK, want}, []any{byPost.Status, byPost.Body})
			byGet := g.Do(t, http.MethodGet, servertest.OrderPath+"/query?query=cart", "")
			require.Equal(t, []any{http.StatusOK, want}, []any{byGet.Status, byGet.Body})
		}
	})
}

func TestQuerySendsItsFieldsAndTheDefaultRejectCondition(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) {
			cfg.Namespaces = map[string]config.Namespace{"default": {QueryRejectCondition: "NOT_OPEN"}}
		}})
		g.Upstream.Handle("QueryWorkflow", upstreamtest.Respond(&workflowservice.QueryWorkflowResponse{}))
		const args = `,"queryArgs":{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"MS4w"}]}`
		for i, request := range []struct{ method, path, body, args, condition string }{
			{http.MethodPost, "/query" + runQuery, `{"query":"cart","args":[1.0],"rejectCondition":"NONE"}`, args, "NONE"},
			{http.MethodPost, "/query" + runQuery, `{"query":"cart"}`, "", "NOT_OPEN"},
			{http.MethodGet, "/query" + runQuery + "&query=cart&rejectCondition=NOT_COMPLETED_CLEANLY", "", "", "NOT_COMPLETED_CLEANLY"},
			{http.MethodGet, "/query" + runQuery + "&query=cart", "", "", "NOT_OPEN"},
		} {
			require.Equal(t, http.StatusOK, g.Do(t, request.method, servertest.WorkflowsPath+"/w"+request.path, request.body).Status)
			handlerstest.RequireMessage(t, `{"namespace":"default","execution":{"workflowId":"w","runId":"`+temporalfake.RunID+`"},
				"query":{"queryType":"cart"`+request.args+`},"queryRejectCondition":"QUERY_REJECT_CONDITION_`+request.condition+`"}`,
				servertest.DecodeRequest(t, g.Upstream.Calls("QueryWorkflow")[i]).Interface())
		}
	})
}

func TestARejectedQueryReportsTheStatusOfTheWorkflow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		for status, detail := range map[enums.WorkflowExecutionStatus]string{
			enums.WORKFLOW_EXECUTION_STATUS_COMPLETED: "The workflow's status meets the query's reject condition.",
			enums.WORKFLOW_EXECUTION_STATUS_PAUSED:    "The workflow is paused. It can be queried once it is unpaused.",
		} {
			g.Upstream.Handle("QueryWorkflow", upstreamtest.Respond(&workflowservice.QueryWorkflowResponse{QueryRejected: &query.QueryRejected{Status: status}}))
			resp := g.Do(t, http.MethodGet, servertest.OrderPath+"/query?query=cart", "")
			require.Equal(t, http.StatusConflict, resp.Status)
			require.Equal(t, []string{"query-rejected", detail, "order"}, []string{resp.Field(t, "code"), resp.Field(t, "detail"), resp.Field(t, "workflowId")})
		}
		require.Equal(t, []string{"?query", "?rejectCondition"},
			handlerstest.Pointers(t, g.Do(t, http.MethodGet, servertest.OrderPath+"/query?query=&rejectCondition=X", "")))
	})
}

func TestAFailedQueryHasTheFailureOfTheHandler(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		g.Upstream.Handle("QueryWorkflow", upstreamtest.Fail(codes.InvalidArgument, "no cart", &errordetails.QueryFailedFailure{
			Failure: &failure.Failure{Message: "no cart", FailureInfo: &failure.Failure_ApplicationFailureInfo{
				ApplicationFailureInfo: &failure.ApplicationFailureInfo{Type: "NoCart"},
			}},
		}))
		for _, path := range []string{"/query?query=cart", "/metadata"} {
			resp := g.Do(t, http.MethodGet, servertest.OrderPath+path, "")
			require.Equal(t, []any{http.StatusUnprocessableEntity, "query-failed"}, []any{resp.Status, resp.Field(t, "code")}, resp.Body)
			require.JSONEq(t, `{"message":"no cart","kind":"application","type":"NoCart"}`, resp.Field(t, "failure"))
		}
	})
}

func TestMetadataListsTheHandlers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		for data, want := range map[string]string{
			`{"currentDetails":"**paid**","newerField":1,"definition":{"type":"Order","queryDefinitions":[{"name":"cart"}],
				"signalDefinitions":[{"name":"approve","description":"Approves."}],"updateDefinitions":[]}}`: `{"currentDetails":"**paid**","definition":
				{"type":"Order","queries":[{"name":"cart"}],"signals":[{"name":"approve","description":"Approves."}]}}`,
			`{"currentDetails":"x"}`: `{"currentDetails":"x"}`,
		} {
			g.Upstream.Handle("QueryWorkflow", upstreamtest.Respond(&workflowservice.QueryWorkflowResponse{QueryResult: payloadsOf("json/protobuf", data)}))
			resp := g.Do(t, http.MethodGet, servertest.OrderPath+"/metadata", "")
			require.Equal(t, http.StatusOK, resp.Status, resp.Body)
			require.JSONEq(t, want, resp.Body)
		}
		require.Equal(t, "__temporal_workflow_metadata", servertest.FieldString(servertest.DecodeRequest(t, g.Upstream.Calls("QueryWorkflow")[0]), "query.query_type"))
		g.Upstream.Handle("QueryWorkflow", upstreamtest.Respond(&workflowservice.QueryWorkflowResponse{QueryResult: payloadsOf("json/plain", "[")}))
		require.Equal(t, "upstream-error", g.Do(t, http.MethodGet, servertest.OrderPath+"/metadata", "").Field(t, "code"))
	})
}

func TestDescribeRendersTheRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		g.Upstream.Handle("DescribeWorkflowExecution", upstreamtest.Respond(&workflowservice.DescribeWorkflowExecutionResponse{
			WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{
				Execution: &common.WorkflowExecution{WorkflowId: "w", RunId: temporalfake.RunID}, FirstRunId: temporalfake.RunID,
				Type: &common.WorkflowType{Name: "Order"}, TaskQueue: "orders", Status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING,
			},
			PendingActivities: []*workflow.PendingActivityInfo{{ActivityId: "1", ActivityType: &common.ActivityType{Name: "charge"}, Attempt: 3}},
		}))
		resp := g.Do(t, http.MethodGet, servertest.WorkflowsPath+"/w"+runQuery, "")
		require.Equal(t, http.StatusOK, resp.Status, resp.Body)
		require.Equal(t, []string{"w", temporalfake.RunID, "Order", "orders", "RUNNING"}, []string{
			resp.Field(t, "workflowId"), resp.Field(t, "runId"), resp.Field(t, "workflowType"), resp.Field(t, "taskQueue"), resp.Field(t, "status"),
		})
		require.Contains(t, resp.Field(t, "pendingActivities"), `"activityType":"charge"`)
		request := handlerstest.OnlyRequest[*workflowservice.DescribeWorkflowExecutionRequest](t, g, "DescribeWorkflowExecution")
		handlerstest.RequireMessage(t, `{"namespace":"default","execution":{"workflowId":"w","runId":"`+temporalfake.RunID+`"}}`, request)
		g.Upstream.Handle("DescribeWorkflowExecution", upstreamtest.Fail(codes.NotFound, "workflow not found for ID: w"))
		require.Equal(t, "workflow-not-found", g.Do(t, http.MethodGet, servertest.WorkflowsPath+"/w", "").Field(t, "code"))
	})
}

func TestCountRendersTheGroups(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		count := func(values ...*common.Payload) servertest.Response {
			g.Upstream.Handle("CountWorkflowExecutions", upstreamtest.Respond(&workflowservice.CountWorkflowExecutionsResponse{
				Count: 3, Groups: []*workflowservice.CountWorkflowExecutionsResponse_AggregationGroup{{GroupValues: values, Count: 2}},
			}))
			return g.Do(t, http.MethodGet, servertest.WorkflowsPath+":count?query=GROUP+BY+ExecutionStatus", "")
		}
		status := payloadsOf("json/plain", `"Running"`).GetPayloads()[0]
		require.JSONEq(t, `{"count":3,"groups":[{"values":["Running"],"count":2}]}`, count(status).Body)
		require.Equal(t, "upstream-error", count(payloadsOf("binary/plain", "\x00").GetPayloads()[0]).Field(t, "code"))
		g.Upstream.Handle("CountWorkflowExecutions", upstreamtest.Fail(codes.Unimplemented, "no visibility"))
		require.Equal(t, http.StatusNotImplemented, g.Do(t, http.MethodGet, servertest.WorkflowsPath+":count", "").Status)
	})
}
