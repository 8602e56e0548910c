package server_test

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
)

// manyErrors are requests that are invalid in many places, or whose errors are
// about long names.
func manyErrors() []servertest.Request {
	start := `{"workflowType":"T","workflowId":"w","taskQueue":"q",`
	const temporal = "/api/v1/namespaces/default/workflows/w"
	long := strings.Repeat("n", 1<<20)
	to := func(path, body string) servertest.Request {
		return servertest.Request{Method: http.MethodPost, Path: path, Body: body}
	}
	few := func(element string) string {
		return "[" + strings.Repeat(element+",", 900) + element + "]"
	}
	return []servertest.Request{
		to(servertest.OrderPath+"/tokens", `{"signals":`+few(`""`)+`,"updates":`+few(`""`)+`}`),
		to(servertest.BatchesPath, `{"operation":{"terminate":{}},"executions":`+few("{}")+`}`),
		to(servertest.BatchesPath, `{"operation":{"terminate":{}},"executions":[`+strings.Repeat("{},", 1000)+`{}]}`),
		to(servertest.BatchesPath, `{"query":"q","operation":{"signal":{"signal":"s","argPayloads":`+few("{}")+`}}}`),
		to(servertest.OrderPath+"/query", `{"query":"q","argPayloads":`+few("{}")+`}`),
		to(servertest.OrderPath+"/reset", `{"resetType":"LAST_WORKFLOW_TASK","reapplyExclude":`+few(`""`)+`}`),
		to(servertest.WorkflowsPath, start+`"memoPayloads":{"`+long+`1":{},"`+long+`2":{},"`+long+`3":{}}}`),
		to(servertest.WorkflowsPath, start+`"searchAttributes":{"`+long+`1":{},"`+long+`2":{},"`+long+`3":{}}}`),
		to(servertest.WorkflowsPath+":updateWithStart", `{"start":`+start+`"argPayloads":`+few("{}")+`},"update":{"update":"u","argPayloads":`+few("{}")+`}}`),
		to(servertest.WorkflowsPath, start+`"`+long+`":1}`),
		to(servertest.WorkflowsPath, start+`"args":[{"`+long+`":`),
		to(temporal, `{"`+long+`":1}`),
		to(temporal, `{"memo":{"fields":{"`+long+`":`),
		to(temporal, `{"workflowIdReusePolicy":"`+long+`"}`),
		to(temporal, `{"workflowRunTimeout":"`+long+`"}`),
		to(temporal, `{"input":[{"`+long+`":{"a":nul}}]}`),
	}
}

// hostileErrors are the cases about requests with many validation errors.
func hostileErrors() []hostile {
	return []hostile{
		{number: 86, name: "responses to many validation errors", act: boundedErrors},
		{number: 86, name: "validation errors beyond the first 50", act: errorsBeyondTheFirst},
		{number: 86, name: "a bearer that may not make tokens", act: bearerWithoutTokens},
		{
			number: 86, name: "more signals than a token is for", status: http.StatusBadRequest, code: "invalid-request",
			ask:   servertest.Request{Method: http.MethodPost, Path: servertest.OrderPath + "/tokens", Body: `{"signals":["` + strings.Repeat(`","`, 20) + `"]}`},
			check: contains(`"errors":[{"pointer":"/signals","detail":"must have at most 20 elements"}]`),
		},
		{
			number: 86, name: "more executions than a batch is for", status: http.StatusBadRequest, code: "invalid-request",
			ask:   servertest.Request{Method: http.MethodPost, Path: servertest.BatchesPath, Body: `{"operation":{"delete":{}},"executions":[` + strings.Repeat("{},", 1000) + `{}]}`},
			check: contains(`"errors":[{"pointer":"/executions","detail":"must have at most 1000 elements"}]`),
		},
	}
}

func boundedErrors(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	most := 0
	for _, q := range manyErrors() {
		a := q.Send(t, g)
		require.Equal(t, http.StatusBadRequest, a.Status, "%s %.100s", q.Path, q.Body)
		require.Less(t, len(a.Body), 16<<10, "%s %.100s", q.Path, q.Body)
		most = max(most, len(a.Body))
	}
	return "400, responses of " + strconv.Itoa(most) + " bytes at most"
}

func errorsBeyondTheFirst(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	for _, executions := range []int{50, 51, 1000} {
		a := servertest.Request{Method: http.MethodPost, Path: servertest.BatchesPath, Body: `{"operation":{"delete":{}},"executions":[` +
			strings.Repeat("{},", executions-1) + `{}]}`}.Send(t, g)
		require.Equal(t, http.StatusBadRequest, a.Status)
		var listed []struct{ Pointer, Detail string }
		require.NoError(t, json.Unmarshal([]byte(a.Field(t, "errors")), &listed, json.MatchCaseInsensitiveNames(true)))
		require.Len(t, listed, min(executions, 51))
		require.Equal(t, "/executions/49/workflowId", listed[49].Pointer)
		if executions > 50 {
			require.Empty(t, listed[50].Pointer, "the whole document")
			require.Equal(t, "has more validation errors, which are not listed", listed[50].Detail)
		}
	}
	return "400, 50 errors and one that says that there are more"
}

// bearerWithoutTokens has a bearer ask for a token, with a body that never
// comes, and with one that is invalid.
func bearerWithoutTokens(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	temporalfake.NewWorkflow(g.Upstream)
	credential := g.DelegateToken(t, `{"read":true}`)
	body, never := io.Pipe()
	defer func() { _ = never.Close() }()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://gateway"+servertest.OrderPath+"/tokens?firstExecutionRunId=x", body)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+credential)
	request.ContentLength = mostText
	before := g.UpstreamCalls()
	a := g.RoundTrip(t, request)
	require.Equal(t, http.StatusForbidden, a.Status, a.Body)
	requireForm(t, a, "operation-forbidden")
	for _, body := range []string{"[", `{"signals":` + listOf(`""`) + `}`} {
		a := g.Do(t, http.MethodPost, servertest.OrderPath+"/tokens", body, servertest.Bearer(credential)...)
		require.Equal(t, http.StatusForbidden, a.Status, a.Body)
		require.Less(t, len(a.Body), 1<<10)
	}
	require.Equal(t, before, g.UpstreamCalls(), "upstream calls")
	require.Contains(t, g.Log.String(), `"rpc":"CreateToken","resource":"order","outcome":"operation-forbidden"`)
	return "403 before the body is read, 0 upstream calls"
}
