package server_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// preface is the start of an HTTP/2 connection.
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// timeoutHeader matches the headers with which a caller may set a short deadline.
var timeoutHeader = regexp.MustCompile(`(?i)(request|grpc)-timeout`)

// FuzzHTTP sends arbitrary bytes. The gateway neither hangs nor panics, and all responses can be parsed. Every write to
// the upstream belongs to a request with a valid key and to a response with a 2xx status, and every call has a deadline
// within the maximum.
func FuzzHTTP(f *testing.F) {
	for _, seed := range httpSeeds() {
		f.Add([]byte(seed))
	}
	g := startFuzz(f, completedWorkflow())
	f.Fuzz(func(t *testing.T, input []byte) {
		if bytes.HasPrefix(input, []byte(preface)) && bytes.Contains(input, []byte("fg_")) {
			return // upstream calls may continue after an HTTP/2 connection has ended, during the next input
		}
		out := g.send(t, input)
		calls := g.upstream.takeCalls()
		if bytes.HasPrefix(input, []byte(preface)) {
			require.Empty(t, calls)
			return
		}
		requests := parseRequests(input)
		methods := make([]string, len(requests))
		authenticated := 0
		for i, request := range requests {
			methods[i] = request.Method
			if carriesKey(request.Header) {
				authenticated++
			}
		}
		if authenticated == 0 {
			require.Empty(t, calls, "%q", input)
		}
		succeeded := 0
		for i, resp := range parseResponses(t, out, methods) {
			if resp.Status < http.StatusMultipleChoices {
				succeeded++
			}
			checkResponse(t, resp, timeoutHeader.Match(input), i < len(requests) && strings.HasPrefix(requests[i].URL.Path, "/v1/"))
		}
		if !timeoutHeader.Match(input) { // a request with a short deadline may fail although its write was sent
			require.LessOrEqual(t, writes(calls), min(succeeded, authenticated), "%q: %q", input, out)
		}
		for _, call := range calls {
			require.LessOrEqual(t, call.Deadline.Sub(call.Time), config.Default().Limits.Timeouts.Max)
		}
	})
}

// parseRequests returns the requests that net/http can parse.
func parseRequests(input []byte) (requests []*http.Request) {
	reader := bufio.NewReader(bytes.NewReader(input))
	for {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return requests
		}
		requests = append(requests, request)
		if _, err := io.Copy(io.Discard, request.Body); err != nil {
			return requests
		}
	}
}

// carriesKey reports whether a request has exactly one credential, which is a valid key.
func carriesKey(h http.Header) bool {
	credentials := slices.Concat(h["Authorization"], h["X-Api-Key"])
	if len(credentials) != 1 {
		return false
	}
	key := credentials[0]
	if len(h["Authorization"]) == 1 {
		scheme, token, _ := strings.Cut(key, " ")
		if key = token; !strings.EqualFold(scheme, "Bearer") {
			return false
		}
	}
	return slices.Contains([]string{servertest.WriterKey, servertest.ReaderKey, servertest.OwnCredentialKey, wideKey}, key)
}

// checkResponse checks the status, the headers and the body of a response. It permits 504 only if hasTimeout is set, and
// the error format of the Temporal HTTP API only if isClientAPI is not set.
func checkResponse(t *testing.T, resp servertest.Response, hasTimeout, isClientAPI bool) {
	t.Helper()
	byHandler := resp.Header.Get("X-Request-Id") != "" // otherwise net/http itself has responded
	switch resp.Status {
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		require.False(t, byHandler, resp.Body)
	case http.StatusGatewayTimeout:
		require.True(t, hasTimeout, resp.Body)
	default:
		require.Less(t, resp.Status, http.StatusInternalServerError, resp.Body)
	}
	if !byHandler {
		return
	}
	require.Equal(t, "nosniff", resp.Header.Get("X-Content-Type-Options"))
	if resp.Status < http.StatusBadRequest {
		return
	}
	require.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
	switch contentType := resp.Header.Get("Content-Type"); {
	case contentType == "application/json" && !isClientAPI:
		var status struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		}
		if resp.Body != "" {
			require.NoError(t, json.Unmarshal([]byte(resp.Body), &status), resp.Body)
			require.NotZero(t, status.Code, resp.Body)
			require.NotEmpty(t, status.Message, resp.Body)
		}
	default:
		require.Equal(t, "application/problem+json", contentType)
		if resp.Body != "" { // a response to HEAD has none
			require.Equal(t, resp.Header.Get("X-Request-Id"), resp.Field(t, "requestId"), resp.Body)
		}
	}
}

// writes returns the number of calls that are writes. FuzzHTTP sends requests for no other write.
func writes(calls []upstreamtest.Call) (n int) {
	for _, call := range calls {
		switch call.Method {
		case "StartWorkflowExecution", "SignalWithStartWorkflowExecution", "SignalWorkflowExecution",
			"RequestCancelWorkflowExecution", "TerminateWorkflowExecution":
			n++
		}
	}
	return n
}

// completedWorkflow returns the responses for a completed workflow, so that every wait
// ends at once.
func completedWorkflow() map[string]proto.Message {
	info := &workflow.WorkflowExecutionInfo{
		Execution:  &common.WorkflowExecution{WorkflowId: "w", RunId: temporalfake.RunID},
		FirstRunId: temporalfake.RunID, Status: enums.WORKFLOW_EXECUTION_STATUS_COMPLETED,
	}
	return map[string]proto.Message{
		"StartWorkflowExecution":           &workflowservice.StartWorkflowExecutionResponse{RunId: temporalfake.RunID, Started: true},
		"SignalWithStartWorkflowExecution": &workflowservice.SignalWithStartWorkflowExecutionResponse{RunId: temporalfake.RunID},
		"DescribeWorkflowExecution":        &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: info},
		"ListWorkflowExecutions":           &workflowservice.ListWorkflowExecutionsResponse{Executions: []*workflow.WorkflowExecutionInfo{info}},
		"GetWorkflowExecutionHistory": &workflowservice.GetWorkflowExecutionHistoryResponse{History: &history.History{Events: []*history.HistoryEvent{{
			EventType: enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
			Attributes: &history.HistoryEvent_WorkflowExecutionCompletedEventAttributes{
				WorkflowExecutionCompletedEventAttributes: &history.WorkflowExecutionCompletedEventAttributes{},
			},
		}}}},
	}
}

// httpSeeds returns the requests of the hardening cases as bytes, and a request for each operation.
func httpSeeds() []string {
	const (
		key         = "Authorization: Bearer " + servertest.WriterKey + "\r\n"
		host        = "Host: gateway\r\n"
		contentType = "Content-Type: application/json\r\n"
		end         = "\r\n"
	)
	start, get := "POST "+servertest.WorkflowsPath+" HTTP/1.1\r\n"+host+key+contentType, "GET /v1/system-info HTTP/1.1\r\n"+host+key
	body := servertest.StartBody("")
	seeds := []string{
		start + "Content-Length: 51\r\nContent-Length: 52\r\n" + end + body,
		start + "Content-Length: +2\r\n" + end + "{}", start + "Content-Length: -1\r\n" + end + "{}", start + "Content-Length: 2, 2\r\n" + end + "{}",
		start + "Content-Length: 2\r\nContent-Length: 2\r\n" + end + "{}" + get + end,
		start + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" + end + "0\r\n\r\n" + get + end,
		start + "Transfer-Encoding: xchunked\r\n" + end + "2\r\n{}\r\n0\r\n\r\n", start + "Transfer-Encoding: chunked, identity\r\n" + end + "0\r\n\r\n",
		start + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" + end + "0\r\n\r\n", start + "Transfer-Encoding : chunked\r\n" + end + "0\r\n\r\n",
		start + "Transfer-Encoding: chunked\r\n" + end + "2\n{}\n0\n\n", start + "Transfer-Encoding: chunked\r\n" + end + "fffffffffffffffff\r\n{}",
		start + "Transfer-Encoding: chunked\r\n" + end + "34\r\n" + body + "\r\n0\r\nAuthorization: x\r\n\r\n" + get + end,
		start + "Transfer-Encoding: chunked\r\n" + end + "9\r\n{}", start + "Content-Length: 400\r\n" + end + body, start + "Content-Length: 99999999\r\n" + end + body,
		start + "Expect: 100-continue\r\nContent-Length: 2\r\n" + end + "{}", start + "Expect: foo\r\nContent-Length: 2\r\n" + end + "{}",
		start + "Content-Encoding: gzip\r\nContent-Length: 2\r\n" + end + "{}", start + "X-HTTP-Method-Override: DELETE\r\nContent-Length: 2\r\n" + end + "{}",
		get + "Authorization: Bearer " + servertest.WriterKey + "\r\n" + end, get + "X-Api-Key: " + servertest.WriterKey + "\r\n" + end, get + "Authorization:\r\n" + end,
		"GET /v1/system-info HTTP/1.1\r\n" + host + "X-Api-Key: " + servertest.WriterKey + "\r\n" + end, "GET /v1/system-info HTTP/1.1\r\n" + host + end,
		"GET /v1/system-info?api_key=" + servertest.WriterKey + " HTTP/1.1\r\n" + host + end, "GET /v1/system-info HTTP/1.1\r\n" + host + "authorization:\tbearer " + servertest.WriterKey + " \r\n" + end,
		get + "X_User: admin\r\n" + end, get + "X-Forwarded-For: 1.2.3.4, junk\r\n" + end, get + "X-Request-Id: a\tb\"\r\n" + end, get + "Request-Timeout: 1ns\r\n" + end,
		get + "Request-Timeout: 9999h\r\n" + end, get + "Grpc-Timeout: 99999999H\r\n" + end, get + "Request-Timeout: 1s\r\nGrpc-Timeout: 1S\r\n" + end, get + "Grpc-Metadata-Authorization: x\r\n" + end,
		get + "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nbaggage: a=b\r\n" + end, get + "Accept: text/html\r\n" + end, get + "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n" + end,
		get + "Host: other\r\n" + end, get + "X: a\x00b\r\n" + end, get + " folded\r\n" + end, get + "Connection: close\r\n" + end + get + end, get + end + get + end, strings.ReplaceAll(get+end, "\r\n", "\n"),
		"GET http://evil/v1/system-info HTTP/1.1\r\n" + host + key + end, "GET //evil/v1/system-info HTTP/1.1\r\n" + host + key + end, "GET /v1/../v1/system-info HTTP/1.1\r\n" + host + key + end,
		"GET * HTTP/1.1\r\n" + host + end, "OPTIONS * HTTP/1.1\r\n" + host + end, "CONNECT gateway:80 HTTP/1.1\r\n" + host + end, "TRACE / HTTP/1.1\r\n" + host + end, "FOO / HTTP/1.1\r\n" + host + end,
		"GET / HTTP/1.0\r\n\r\n", "GET / HTTP/2.0\r\n\r\n", "GET / HTTP/1.2\r\n" + host + end, "GET /\r\n", "\r\n\r\n", "", preface, preface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00",
		preface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x0f\x01\x05\x00\x00\x00\x01\x82\x86\x44\x0c/v1/openapi.", "GET /livez HTTP/1.1\r\n" + host + end, "HEAD /readyz HTTP/1.1\r\n" + host + end,
		"HEAD /v1/system-info HTTP/1.1\r\n" + host + key + end, "GET /v1/openapi.json HTTP/1.1\r\n" + host + end, "GET " + servertest.WorkflowsPath + "/w/result?wait=1s&failureStatus=422 HTTP/1.1\r\n" + host + key + end,
		"GET " + servertest.WorkflowsPath + " HTTP/1.1\r\n" + host + key + "Accept: application/x-ndjson\r\n" + end, "GET /" + strings.Repeat("a", 21<<10) + " HTTP/1.1\r\n" + host + end,
	}
	for path, body := range map[string]string{
		"": servertest.StartBody(`"args":[1.10]`), "?wait=1s": servertest.StartBody(""), "/w/signal": `{"signal":"s"}`, "/w/query": `{"query":"q"}`, "/w/cancel": `{"reason":"r"}`, "/w/terminate": "{}",
	} {
		seeds = append(seeds, string(servertest.RawRequest(http.MethodPost, servertest.WorkflowsPath+path, servertest.WriterKey, []byte(body))))
	}
	return append(seeds, string(servertest.RawRequest(http.MethodPost, servertest.WorkflowsPath, servertest.WriterKey, []byte(servertest.StartBody(`"startSignal":"s"`)))),
		string(servertest.RawRequest(http.MethodPost, servertest.WorkflowsPath, servertest.ReaderKey, []byte(servertest.StartBody("")))),
		strings.Replace(string(servertest.RawRequest(http.MethodPost, servertest.WorkflowsPath, servertest.WriterKey, []byte(servertest.StartBody("")))), "\r\n", "\r\nIdempotency-Key: k\r\nPrefer: wait=1\r\n", 1))
}
