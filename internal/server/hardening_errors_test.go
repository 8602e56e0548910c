package server_test

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
)

// manyErrors are requests that are invalid in many places, or whose errors are
// about long names.
func manyErrors() []ask {
	start := `{"workflowType":"T","workflowId":"w","taskQueue":"q",`
	const temporal = "/api/v1/namespaces/default/workflows/w"
	long := strings.Repeat("n", 1<<20)
	to := func(path, body string) ask { return ask{method: http.MethodPost, path: path, body: body} }
	few := func(element string) string {
		return "[" + strings.Repeat(element+",", 900) + element + "]"
	}
	return []ask{
		to(order+"/tokens", `{"signals":`+few(`""`)+`,"updates":`+few(`""`)+`}`),
		to(batches, `{"operation":{"terminate":{}},"executions":`+few("{}")+`}`),
		to(batches, `{"operation":{"terminate":{}},"executions":[`+strings.Repeat("{},", 1000)+`{}]}`),
		to(batches, `{"query":"q","operation":{"signal":{"signal":"s","argPayloads":`+few("{}")+`}}}`),
		to(order+"/query", `{"query":"q","argPayloads":`+few("{}")+`}`),
		to(order+"/reset", `{"resetType":"LAST_WORKFLOW_TASK","reapplyExclude":`+few(`""`)+`}`),
		to(workflows, start+`"memoPayloads":{"`+long+`1":{},"`+long+`2":{},"`+long+`3":{}}}`),
		to(workflows, start+`"searchAttributes":{"`+long+`1":{},"`+long+`2":{},"`+long+`3":{}}}`),
		to(workflows+":updateWithStart", `{"start":`+start+`"argPayloads":`+few("{}")+`},"update":{"update":"u","argPayloads":`+few("{}")+`}}`),
		to(workflows, start+`"`+long+`":1}`),
		to(workflows, start+`"args":[{"`+long+`":`),
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
			ask:   ask{method: http.MethodPost, path: order + "/tokens", body: `{"signals":["` + strings.Repeat(`","`, 20) + `"]}`},
			check: contains(`"errors":[{"pointer":"/signals","detail":"must have at most 20 elements"}]`),
		},
		{
			number: 86, name: "more executions than a batch is for", status: http.StatusBadRequest, code: "invalid-request",
			ask:   ask{method: http.MethodPost, path: batches, body: `{"operation":{"delete":{}},"executions":[` + strings.Repeat("{},", 1000) + `{}]}`},
			check: contains(`"errors":[{"pointer":"/executions","detail":"must have at most 1000 elements"}]`),
		},
	}
}

func boundedErrors(t *testing.T, g *gateway) string {
	t.Helper()
	most := 0
	for _, q := range manyErrors() {
		a := q.send(t, g)
		require.Equal(t, http.StatusBadRequest, a.status, "%s %.100s", q.path, q.body)
		require.Less(t, len(a.body), 16<<10, "%s %.100s", q.path, q.body)
		most = max(most, len(a.body))
	}
	return "400, responses of " + strconv.Itoa(most) + " bytes at most"
}

func errorsBeyondTheFirst(t *testing.T, g *gateway) string {
	t.Helper()
	for _, executions := range []int{50, 51, 1000} {
		a := ask{method: http.MethodPost, path: batches, body: `{"operation":{"delete":{}},"executions":[` +
			strings.Repeat("{},", executions-1) + `{}]}`}.send(t, g)
		require.Equal(t, http.StatusBadRequest, a.status)
		var listed []struct{ Pointer, Detail string }
		require.NoError(t, json.Unmarshal([]byte(a.field(t, "errors")), &listed, json.MatchCaseInsensitiveNames(true)))
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
func bearerWithoutTokens(t *testing.T, g *gateway) string {
	t.Helper()
	newFakeWorkflow(g.upstream)
	credential := g.delegate(t, `{"read":true}`)
	body, never := io.Pipe()
	defer func() { _ = never.Close() }()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://gateway"+order+"/tokens?firstExecutionRunId=x", body)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+credential)
	request.ContentLength = mostText
	before := g.asked()
	a := g.exchange(t, request)
	require.Equal(t, http.StatusForbidden, a.status, a.body)
	requireForm(t, a, "operation-forbidden")
	for _, body := range []string{"[", `{"signals":` + listOf(`""`) + `}`} {
		a := g.do(t, http.MethodPost, order+"/tokens", body, bearer(credential)...)
		require.Equal(t, http.StatusForbidden, a.status, a.body)
		require.Less(t, len(a.body), 1<<10)
	}
	require.Equal(t, before, g.asked(), "upstream calls")
	require.Contains(t, g.log.String(), `"rpc":"CreateToken","resource":"order","outcome":"operation-forbidden"`)
	return "403 before the body is read, 0 upstream calls"
}
