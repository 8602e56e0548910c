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

// manyErrors returns requests with many validation errors, or with an error about a long name or value.
func manyErrors() []servertest.Request {
	start := `{"workflowType":"T","workflowId":"w","taskQueue":"q",`
	const temporal = "/api/v1/namespaces/default/workflows/w"
	long := strings.Repeat("n", 1<<20)
	postTo := func(path, body string) servertest.Request {
		return servertest.Request{Method: http.MethodPost, Path: path, Body: body}
	}
	list := func(element string) string {
		return "[" + strings.Repeat(element+",", 900) + element + "]"
	}
	return []servertest.Request{
		postTo(servertest.OrderPath+"/tokens", `{"signals":`+list(`""`)+`,"updates":`+list(`""`)+`}`),
		postTo(servertest.BatchesPath, `{"operation":{"terminate":{}},"executions":`+list("{}")+`}`),
		postTo(servertest.BatchesPath, `{"operation":{"terminate":{}},"executions":[`+strings.Repeat("{},", 1000)+`{}]}`),
		postTo(servertest.BatchesPath, `{"query":"q","operation":{"signal":{"signal":"s","argPayloads":`+list("{}")+`}}}`),
		postTo(servertest.OrderPath+"/query", `{"query":"q","argPayloads":`+list("{}")+`}`),
		postTo(servertest.OrderPath+"/reset", `{"resetType":"LAST_WORKFLOW_TASK","reapplyExclude":`+list(`""`)+`}`),
		postTo(servertest.WorkflowsPath, start+`"memoPayloads":{"`+long+`1":{},"`+long+`2":{},"`+long+`3":{}}}`),
		postTo(servertest.WorkflowsPath, start+`"searchAttributes":{"`+long+`1":{},"`+long+`2":{},"`+long+`3":{}}}`),
		postTo(servertest.WorkflowsPath+":updateWithStart", `{"start":`+start+`"argPayloads":`+list("{}")+`},"update":{"update":"u","argPayloads":`+list("{}")+`}}`),
		postTo(servertest.WorkflowsPath, start+`"`+long+`":1}`),
		postTo(servertest.WorkflowsPath, start+`"args":[{"`+long+`":`),
		postTo(temporal, `{"`+long+`":1}`),
		postTo(temporal, `{"memo":{"fields":{"`+long+`":`),
		postTo(temporal, `{"workflowIdReusePolicy":"`+long+`"}`),
		postTo(temporal, `{"workflowRunTimeout":"`+long+`"}`),
		postTo(temporal, `{"input":[{"`+long+`":{"a":nul}}]}`),
	}
}

// hostileErrors returns the cases about requests with many validation errors.
func hostileErrors() []hostile {
	return []hostile{
		{number: 86, name: "responses to many validation errors", act: boundedErrors},
		{number: 86, name: "validation errors beyond the first 50", act: errorsBeyondTheFirst},
		{number: 86, name: "a delegated token, which may not create tokens", act: bearerMayNotDelegate},
		{
			number: 86, name: "more signals than a token may have", status: http.StatusBadRequest, code: "invalid-request",
			request: servertest.Request{Method: http.MethodPost, Path: servertest.OrderPath + "/tokens", Body: `{"signals":["` + strings.Repeat(`","`, 20) + `"]}`},
			check:   contains(`"errors":[{"pointer":"/signals","detail":"must have at most 20 elements"}]`),
		},
		{
			number: 86, name: "more executions than a batch may have", status: http.StatusBadRequest, code: "invalid-request",
			request: servertest.Request{Method: http.MethodPost, Path: servertest.BatchesPath, Body: `{"operation":{"delete":{}},"executions":[` + strings.Repeat("{},", 1000) + `{}]}`},
			check:   contains(`"errors":[{"pointer":"/executions","detail":"must have at most 1000 elements"}]`),
		},
	}
}

func boundedErrors(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	largest := 0
	for _, q := range manyErrors() {
		resp := q.Send(t, g)
		require.Equal(t, http.StatusBadRequest, resp.Status, "%s %.100s", q.Path, q.Body)
		require.Less(t, len(resp.Body), 16<<10, "%s %.100s", q.Path, q.Body)
		largest = max(largest, len(resp.Body))
	}
	return "400, responses of at most " + strconv.Itoa(largest) + " bytes"
}

func errorsBeyondTheFirst(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	for _, executions := range []int{50, 51, 1000} {
		resp := servertest.Request{Method: http.MethodPost, Path: servertest.BatchesPath, Body: `{"operation":{"delete":{}},"executions":[` +
			strings.Repeat("{},", executions-1) + `{}]}`}.Send(t, g)
		require.Equal(t, http.StatusBadRequest, resp.Status)
		var listed []struct{ Pointer, Detail string }
		require.NoError(t, json.Unmarshal([]byte(resp.Field(t, "errors")), &listed, json.MatchCaseInsensitiveNames(true)))
		require.Len(t, listed, min(executions, 51))
		require.Equal(t, "/executions/49/workflowId", listed[49].Pointer)
		if executions > 50 {
			require.Empty(t, listed[50].Pointer, "the pointer to the complete document is empty")
			require.Equal(t, "has more validation errors, which are not listed", listed[50].Detail)
		}
	}
	return "400, 50 errors and one that reports that there are more"
}

// bearerMayNotDelegate requests a token with a delegated token, which does not permit that. The body never arrives, or
// is invalid: the gateway must reject the request before it reads the body.
func bearerMayNotDelegate(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	temporalfake.NewWorkflow(g.Upstream)
	credential := g.CreateDelegatedToken(t, `{"read":true}`)
	body, writer := io.Pipe()
	defer func() { _ = writer.Close() }()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://gateway"+servertest.OrderPath+"/tokens?firstExecutionRunId=x", body)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+credential)
	request.ContentLength = maxText
	before := g.UpstreamCalls()
	resp := g.RoundTrip(t, request)
	require.Equal(t, http.StatusForbidden, resp.Status, resp.Body)
	requireWellFormed(t, resp, "operation-forbidden")
	for _, body := range []string{"[", `{"signals":` + listOf(`""`) + `}`} {
		resp := g.Do(t, http.MethodPost, servertest.OrderPath+"/tokens", body, servertest.Bearer(credential)...)
		require.Equal(t, http.StatusForbidden, resp.Status, resp.Body)
		require.Less(t, len(resp.Body), 1<<10)
	}
	require.Equal(t, before, g.UpstreamCalls(), "upstream calls")
	require.Contains(t, g.Log.String(), `"rpc":"CreateToken","resource":"order","outcome":"operation-forbidden"`)
	return "403 before the body is read, 0 upstream calls"
}
