package workflow_test

import (
	"maps"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// serveLists makes the upstream serve lists, counts and the search attributes of every type.
func serveLists(g *servertest.Gateway) {
	g.Upstream.Handle("ListWorkflowExecutions", upstreamtest.Respond(&workflowservice.ListWorkflowExecutionsResponse{NextPageToken: []byte("next")}))
	g.Upstream.Handle("CountWorkflowExecutions", upstreamtest.Respond(&workflowservice.CountWorkflowExecutionsResponse{Count: 7}))
	g.Upstream.Handle("ListSearchAttributes", upstreamtest.Respond(&operatorservice.ListSearchAttributesResponse{
		SystemAttributes: map[string]enums.IndexedValueType{
			"TaskQueue": enums.INDEXED_VALUE_TYPE_KEYWORD, "HistoryLength": enums.INDEXED_VALUE_TYPE_INT,
		},
		CustomAttributes: map[string]enums.IndexedValueType{
			"CustomerId": enums.INDEXED_VALUE_TYPE_KEYWORD, "Amount": enums.INDEXED_VALUE_TYPE_DOUBLE, "Express": enums.INDEXED_VALUE_TYPE_BOOL,
			"DueAt": enums.INDEXED_VALUE_TYPE_DATETIME, "Tags": enums.INDEXED_VALUE_TYPE_KEYWORD_LIST, "Note": enums.INDEXED_VALUE_TYPE_TEXT,
			"Items": enums.INDEXED_VALUE_TYPE_INT, "the place": enums.INDEXED_VALUE_TYPE_KEYWORD,
		},
	}))
}

func TestFiltersBecomeOneQuery(t *testing.T) {
	t.Parallel()
	for parameters, want := range map[string]string{
		"":                        "",
		"query=A%20%3D%201":       "A = 1",
		"query=A%3D1)OR(B%3D2":    "A=1)OR(B=2", // alone, a query is passed on unchanged
		"workflowType=Order":      "WorkflowType = 'Order'",
		"workflowType=it's%20%5C": `WorkflowType = 'it''s \\'`,
		"status=RUNNING":          "ExecutionStatus IN ('Running')",
		"status=TIMED_OUT&status=CONTINUED_AS_NEW":                                         "ExecutionStatus IN ('TimedOut', 'ContinuedAsNew')",
		"startedAfter=2026-11-01T00:00:00Z&startedBefore=2026-12-01T01:00:00%2B01:00":      "StartTime >= '2026-11-01T00:00:00Z' AND StartTime < '2026-12-01T00:00:00Z'",
		"query=A+%3D+1+OR+B+%3D+2&workflowType=T":                                          "(A = 1 OR B = 2) AND WorkflowType = 'T'",
		"query=A+%3D+1+GROUP+BY+ExecutionStatus&workflowType=T":                            "(A = 1 ) AND WorkflowType = 'T' GROUP BY ExecutionStatus",
		"query=GROUP+BY+ExecutionStatus&workflowType=T":                                    "WorkflowType = 'T' GROUP BY ExecutionStatus",
		"query=+&workflowType=T":                                                           "WorkflowType = 'T'",
		"searchAttribute.CustomerId=12":                                                    "`CustomerId` = '12'",
		"searchAttribute.Items=12&searchAttribute.Amount=1e3&searchAttribute.Express=true": "`Amount` = 1000 AND `Express` = true AND `Items` = 12",
		"searchAttribute.DueAt=2030-01-02T03:04:05.678%2B01:00":                            "`DueAt` = '2030-01-02T02:04:05.678Z'",
		"searchAttribute.Tags=%3C%26%3E&searchAttribute.Note=left+door":                    "`Note` = 'left door' AND `Tags` = '<&>'",
		"searchAttribute.the%20place=x&searchAttribute.HistoryLength=-3":                   "`HistoryLength` = -3 AND `the place` = 'x'",
		"searchAttribute.CustomerId=":                                                      "`CustomerId` = ''",
	} {
		synctest.Test(t, func(t *testing.T) {
			g := servertest.Start(t, servertest.Options{})
			serveLists(g)
			require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, servertest.WorkflowsPath+"?"+parameters, "").Status, parameters)
			require.Equal(t, want, handlerstest.OnlyRequest[*workflowservice.ListWorkflowExecutionsRequest](t, g, "ListWorkflowExecutions").GetQuery())
			require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, servertest.WorkflowsPath+":count?"+parameters, "").Status, parameters)
			require.Equal(t, want, handlerstest.OnlyRequest[*workflowservice.CountWorkflowExecutionsRequest](t, g, "CountWorkflowExecutions").GetQuery())
		})
	}
}

func TestInvalidFiltersAreRejectedTogether(t *testing.T) {
	t.Parallel()
	for parameters, pointers := range map[string][]string{
		"status=Running&startedAfter=today&startedBefore=2026-11-01": {"?status", "?startedAfter", "?startedBefore"},
		"status=":                           {"?status"},
		"workflowType='x&query=(":           {"?workflowType", "?query"},
		"workflowType=x'":                   {"?workflowType"},
		"workflowType=a%00b":                {"?workflowType"},
		"query=A)OR(B&status=RUNNING":       {"?query"},
		"query=A--&searchAttribute.Items=1": {"?query"},
		"searchAttribute.Unknown=1&searchAttribute.Items=1.5&searchAttribute.Express=TRUE": {"?searchAttribute.Express", "?searchAttribute.Items", "?searchAttribute.Unknown"},
		"searchAttribute.Amount=NaN&searchAttribute.DueAt=1&searchAttribute.Note=+":        {"?searchAttribute.Amount", "?searchAttribute.DueAt", "?searchAttribute.Note"},
		"searchAttribute.CustomerId=1&searchAttribute.CustomerId=2":                        {"?searchAttribute.CustomerId"},
		"searchAttribute=x": {"?searchAttribute"},
		"searchAttribute.=x&searchAttributes.A=1&status.A=1": {"?searchAttribute.", "?searchAttributes.A", "?status.A"},
		"workflowType=a&workflowType=b":                      {"?workflowType"},
	} {
		synctest.Test(t, func(t *testing.T) {
			g := servertest.Start(t, servertest.Options{})
			serveLists(g)
			for _, path := range []string{servertest.WorkflowsPath, servertest.WorkflowsPath + ":count"} {
				resp := g.Do(t, http.MethodGet, path+"?"+parameters, "")
				require.Equal(t, http.StatusBadRequest, resp.Status, parameters)
				require.Equal(t, pointers, handlerstest.Pointers(t, resp), parameters)
			}
			require.Empty(t, g.Upstream.Calls("ListWorkflowExecutions"))
			require.Empty(t, g.Upstream.Calls("CountWorkflowExecutions"))
		})
	}
}

// A page token continues one list only, and an invalid one is rejected before the server is called.
func TestAPageTokenIsBoundToTheWholeFilter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		serveLists(g)
		filter := url.Values{
			"query": {"A = 1"}, "workflowType": {"T"}, "status": {"RUNNING"}, "startedAfter": {"2026-11-01T00:00:00Z"},
			"startedBefore": {"2026-12-01T00:00:00Z"}, "searchAttribute.CustomerId": {"c"},
		}
		token := g.Do(t, http.MethodGet, servertest.WorkflowsPath+"?"+filter.Encode(), "").Field(t, "nextPageToken")
		require.NotEmpty(t, token)
		get := func(filter url.Values) servertest.Response {
			return g.Do(t, http.MethodGet, servertest.WorkflowsPath+"?"+filter.Encode()+"&pageToken="+token, "")
		}
		require.Equal(t, http.StatusOK, get(filter).Status)
		calls := g.UpstreamCalls()
		for name := range filter {
			other := maps.Clone(filter)
			delete(other, name)
			require.Equal(t, "invalid-page-token", get(other).Field(t, "code"), name)
		}
		require.Equal(t, calls, g.UpstreamCalls())
	})
}

// The types of search attributes are read with the caller's access, once for a list of several pages.
func TestTheTypesOfSearchAttributesAreReadOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		serveLists(g)
		g.Upstream.Handle("ListWorkflowExecutions", upstreamtest.InTurn(
			upstreamtest.Respond(&workflowservice.ListWorkflowExecutionsResponse{NextPageToken: []byte("next")}),
			upstreamtest.Respond(&workflowservice.ListWorkflowExecutionsResponse{}),
		))
		const path = servertest.WorkflowsPath + "?searchAttribute.Items=1"
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, path, "", "Accept", "application/x-ndjson").Status)
		require.Len(t, g.Upstream.Calls("ListWorkflowExecutions"), 2)
		request := handlerstest.OnlyRequest[*operatorservice.ListSearchAttributesRequest](t, g, "ListSearchAttributes")
		require.Equal(t, "default", request.GetNamespace())

		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, servertest.WorkflowsPath+":count?status=RUNNING", "").Status)
		require.Len(t, g.Upstream.Calls("ListSearchAttributes"), 1, "no other filter needs the types")
		token := servertest.Bearer(g.CreateDelegatedToken(t, `{"read":true,"ttl":"5m"}`))
		require.Equal(t, http.StatusForbidden, g.Do(t, http.MethodGet, path, "", token...).Status)

		g.Upstream.Handle("ListSearchAttributes", upstreamtest.Fail(codes.PermissionDenied, "Request unauthorized."))
		require.Equal(t, "permission-denied", g.Do(t, http.MethodGet, path, "").Field(t, "code"))
	})
}

func TestAQueryThatTheServerRejectsHasAPointer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		fail := func(message string) {
			for _, method := range []string{"ListWorkflowExecutions", "CountWorkflowExecutions"} {
				g.Upstream.Handle(method, upstreamtest.Fail(codes.InvalidArgument, message))
			}
		}
		for message, want := range map[string][]string{
			"invalid query: malformed SQL query: syntax error at position 1": {"?query"},
			"Invalid NextPageToken": nil,
		} {
			fail(message)
			for _, path := range []string{"", ":count"} {
				resp := g.Do(t, http.MethodGet, servertest.WorkflowsPath+path+"?query=x", "")
				require.Equal(t, []string{"invalid-request", message}, []string{resp.Field(t, "code"), resp.Field(t, "detail")})
				require.Equal(t, want, handlerstest.Pointers(t, resp))
			}
		}
	})
}

func TestASearchAttributeThatTheServerRejectsHasAPointer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		for message, want := range map[string][]string{
			"Namespace default has no mapping defined for search attribute a/b": {"/searchAttributes/a~1b"},
			"search attribute Items is not defined":                             {"/searchAttributes/Items"},
			"invalid value for search attribute Items of type Int: a/b":         {"/searchAttributes/Items"},
			"search attribute Items value size 4096 exceeds size limit 2048":    {"/searchAttributes/Items"},
			"Items attribute can't be set in SearchAttributes":                  {"/searchAttributes/Items"},
			"total size of search attributes 50000 exceeds size limit 40960":    {"/searchAttributes"},
			"number of search attributes 101 exceeds limit 100":                 {"/searchAttributes"},
			"search attribute ItemsOfAnother is not defined":                    nil,
			"WorkflowId length exceeds limit.":                                  nil,
		} {
			g.Upstream.Handle("StartWorkflowExecution", upstreamtest.Fail(codes.InvalidArgument, message))
			g.Upstream.Handle("SignalWithStartWorkflowExecution", upstreamtest.Fail(codes.InvalidArgument, message))
			for _, signal := range []string{"", `,"startSignal":"go"`} {
				resp := g.Do(t, http.MethodPost, servertest.WorkflowsPath, servertest.StartBody(`"searchAttributes":{"Items":1,"a/b":"x"}`+signal))
				require.Equal(t, []string{"invalid-request", message}, []string{resp.Field(t, "code"), resp.Field(t, "detail")})
				require.Equal(t, want, handlerstest.Pointers(t, resp), message)
			}
		}
	})
}
