package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// hostilePaths returns the cases about methods, paths and queries.
func hostilePaths() []hostile {
	rejected := func(number int, name, path string) hostile {
		return hostile{number: number, name: name, request: get(path), status: http.StatusBadRequest, code: "invalid-path"}
	}
	notFound := func(number int, name, path string) hostile {
		return hostile{number: number, name: name, request: get(path), status: http.StatusNotFound, code: "route-not-found"}
	}
	invalidQuery := func(name, raw string) hostile {
		return hostile{number: 56, name: name, request: get(servertest.WorkflowsPath + "?" + raw), status: http.StatusBadRequest, code: "invalid-request"}
	}
	invalid := func(name, path string) hostile {
		return hostile{number: 56, name: name, request: get(path), status: http.StatusBadRequest, code: "invalid-request"}
	}
	unsupported := func(name string) hostile {
		return hostile{
			number: 51, name: name, request: servertest.Request{Method: name, Path: "/v1/system-info"}, status: http.StatusMethodNotAllowed,
			code: "method-not-allowed", check: header("Allow", "GET, HEAD"),
		}
	}
	long := get(servertest.WorkflowsPath + "/" + strings.Repeat("a", 1001))
	return []hostile{
		{number: 49, name: "an unknown route", act: unknownRoutes},
		notFound(49, "an unknown resource", "/v1/namespaces/default/nothing"),
		{
			number: 50, name: "a wrong method", request: servertest.Request{Method: http.MethodDelete, Path: servertest.WorkflowsPath},
			status: http.StatusMethodNotAllowed, code: "method-not-allowed", check: header("Allow", "GET, HEAD, POST"),
		},
		{
			number: 51, name: "HEAD", request: servertest.Request{Method: http.MethodHead, Path: "/v1/system-info"}, status: http.StatusOK, calls: 1,
			check: func(t *testing.T, _ *servertest.Gateway, resp servertest.Response) {
				t.Helper()
				require.Empty(t, resp.Body)
			},
		},
		unsupported(http.MethodOptions), unsupported(http.MethodTrace), unsupported("FOO"),
		notFound(52, "an empty segment", "/v1//system-info"),
		notFound(52, "a trailing slash", "/v1/system-info/"),
		rejected(52, "a dot segment", "/v1/../admin"),
		rejected(52, "an escaped dot segment", servertest.WorkflowsPath+"/%2e%2e"),
		rejected(52, "a half escaped dot segment", servertest.WorkflowsPath+"/.%2E/x"),
		rejected(53, "NUL in an id", servertest.WorkflowsPath+"/a%00b"),
		rejected(53, "invalid UTF-8 in an id", servertest.WorkflowsPath+"/%ff"),
		rejected(53, "a control character in an id", servertest.WorkflowsPath+"/a%0d%0ab"),
		rejected(53, "a C1 control character in an id", servertest.WorkflowsPath+"/%c2%85"),
		{number: 54, name: "similar ids", act: escapedIDs},
		{number: 55, name: "an id of 1001 bytes", request: long, status: http.StatusBadRequest, code: "invalid-request"},
		invalidQuery("a page size below zero", "pageSize=-1"), invalidQuery("a page size of zero", "pageSize=0"),
		invalidQuery("a page size of a billion", "pageSize=1000000000"), invalidQuery("a page size beyond 64 bits", "pageSize=99999999999999999999"),
		invalidQuery("a page size that is not a number", "pageSize=abc"), invalidQuery("a parameter given twice", "query=a&query=b"),
		invalidQuery("an unknown parameter", "q=1"), invalidQuery("a semicolon", "query=a;b"), invalidQuery("a bad escape", "query=%zz"),
		invalidQuery("a limit of zero", "limit=0"),
		{
			number: 57, name: "a forged page token", request: get(servertest.WorkflowsPath + "?pageToken=AAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
			status: http.StatusBadRequest, code: "invalid-page-token",
		},
		invalid("a wait that is not a duration", servertest.ResultPath+"?wait=soon"), invalid("a negative wait", servertest.ResultPath+"?wait=-1s"),
		invalid("an unsupported failure status", servertest.ResultPath+"?failureStatus=500"),
		{
			number: 56, name: "an unsupported failure status of a start", status: http.StatusBadRequest, code: "invalid-request",
			request: servertest.Request{Method: http.MethodPost, Path: servertest.WorkflowsPath + "?failureStatus=500", Body: servertest.StartBody("")},
		},
		invalid("an id in the path and another one in the query", servertest.WorkflowsPath+"/a?workflowId=b"), invalid("a missing id", servertest.WorkflowsPath+"/-"),
	}
}

func unknownRoutes(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	before := len(g.Upstream.AllCalls())
	anonymous := servertest.Request{Path: "/v2/x", Anonymous: true}.Send(t, g)
	authenticated := get("/v2/x").Send(t, g)
	for _, resp := range []servertest.Response{anonymous, authenticated} {
		require.Equal(t, http.StatusNotFound, resp.Status)
		requireWellFormed(t, resp, "route-not-found")
	}
	withoutID := func(resp servertest.Response) string {
		return strings.Replace(resp.Body, resp.Field(t, "requestId"), "", 1)
	}
	require.Equal(t, withoutID(authenticated), withoutID(anonymous))
	require.Len(t, g.Upstream.AllCalls(), before)
	return "404 route-not-found, the same with and without a credential, 0 upstream calls"
}

func escapedIDs(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	temporalfake.NewWorkflow(g.Upstream)
	var ids []string
	for _, escaped := range []string{"a%2Fb", "a%252Fb", "a%20b%2Fc"} {
		require.Equal(t, http.StatusOK, get(servertest.WorkflowsPath+"/"+escaped).Send(t, g).Status)
	}
	for _, call := range g.Upstream.Calls("DescribeWorkflowExecution") {
		request := &workflowservice.DescribeWorkflowExecutionRequest{}
		require.NoError(t, proto.Unmarshal(call.Request, request))
		ids = append(ids, request.GetExecution().GetWorkflowId())
	}
	require.Equal(t, []string{"a/b", "a%2Fb", "a b/c"}, ids)
	return `200, three ids: "a/b", "a%2Fb", "a b/c"`
}

// hostileBodies returns the cases about request bodies.
func hostileBodies() []hostile {
	invalid := func(number int, name, code, body string) hostile {
		return hostile{number: number, name: name, request: post(body), status: http.StatusBadRequest, code: code}
	}
	unsupportedMedia := func(number int, name string, headers ...string) hostile {
		return hostile{
			number: number, name: name, request: post(servertest.StartBody(""), headers...), status: http.StatusUnsupportedMediaType,
			code: "unsupported-media-type", check: header("Accept-Post", "application/json"),
		}
	}
	invalidMember := func(name, member, pointer string) hostile {
		h := invalid(48, name, "invalid-request", servertest.StartBody(member))
		h.check = contains(`"pointer":"` + pointer)
		return h
	}
	malformed := invalid(44, "malformed JSON", "invalid-json", `{"workflowId": SECRET}`)
	malformed.check = contains("at byte 15", "SECRET")
	twice := invalid(44, "a member twice", "invalid-json", `{"workflowId":"SECRET","workflowId":"b"}`)
	twice.check = contains("at byte 23", "SECRET")
	unknown := invalid(45, "an unknown field", "unknown-field", `{"workflowID":"SECRET"}`)
	unknown.check = contains(`"pointer":"/workflowID"`, "SECRET")
	return []hostile{
		unsupportedMedia(40, "no content type", "Content-Type", ""),
		unsupportedMedia(40, "text", "Content-Type", "text/plain"),
		unsupportedMedia(40, "XML", "Content-Type", "application/xml"),
		unsupportedMedia(40, "JSON in UTF-16", "Content-Type", "application/json; charset=utf-16"),
		unsupportedMedia(41, "gzip", "Content-Encoding", "gzip"),
		invalid(43, "an empty body", "invalid-request", ""), invalid(43, "null", "invalid-request", "null"),
		invalid(43, "a list", "invalid-request", "[]"), invalid(43, "a string", "invalid-request", `"x"`),
		malformed, twice, unknown,
		invalid(44, "a member twice, deep in a value", "invalid-json", servertest.StartBody(`"args":[{"a":[{"b":1,"b":2}]}]`)),
		invalid(44, "a second document", "invalid-json", `{}{}`),
		invalid(44, "a byte order mark", "invalid-json", "\ufeff{}"),
		invalid(44, "NaN", "invalid-json", servertest.StartBody(`"args":[NaN]`)),
		invalid(46, "invalid UTF-8", "invalid-json", servertest.StartBody("\"args\":[\"\xff\"]")),
		invalid(46, "a lone surrogate", "invalid-json", servertest.StartBody(`"args":["\ud800"]`)),
		invalid(46, "a lone surrogate in an id", "invalid-json", `{"workflowType":"T","workflowId":"\udfff","taskQueue":"q"}`),
		invalid(47, "20,000 nested lists", "invalid-json", servertest.StartBody(`"args":[`+strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000)+`]`)),
		invalid(47, "20,000 nested objects", "invalid-json",
			servertest.StartBody(`"args":[`+strings.Repeat(`{"a":`, 20_000)+"1"+strings.Repeat("}", 20_000)+`]`)),
		invalidMember("an integer out of range", `"retryPolicy":{"maximumAttempts":2147483648}`, "/retryPolicy/maximumAttempts"),
		invalidMember("a number out of range", `"retryPolicy":{"backoffCoefficient":1e400}`, "/retryPolicy/backoffCoefficient"),
		invalidMember("an integer of more than 64 bits", `"searchAttributes":{"N":{"type":"Int","value":9223372036854775808}}`, "/searchAttributes/N"),
		invalidMember("a negative timeout", `"runTimeout":"-1s"`, "/runTimeout"),
		invalidMember("an invalid duration", `"executionTimeout":"soon"`, "/executionTimeout"),
		invalidMember("a number instead of a string", `"cronSchedule":5`, "/cronSchedule"),
		invalidMember("an unknown enum value", `"idReusePolicy":"SOMETIMES"`, "/idReusePolicy"),
		invalidMember("both forms of arguments", `"args":[1],"argPayloads":[{"json":1}]`, "/argPayloads"),
		invalidMember("a payload of neither form", `"argPayloads":[{}]`, "/argPayloads/0"),
		invalidMember("a search attribute of the wrong type", `"searchAttributes":{"N":{"type":"Int","value":"x"}}`, "/searchAttributes/N"),
		invalidMember("a backoff below one", `"retryPolicy":{"backoffCoefficient":0.5}`, "/retryPolicy/backoffCoefficient"),
		invalidMember("pinned without a version", `"versioningOverride":{"behavior":"PINNED"}`, "/versioningOverride"),
		invalid(48, "missing members", "invalid-request", `{}`),
	}
}

// hostileHeaders returns the cases about headers other than Authorization, X-API-Key and those of the body.
func hostileHeaders() []hostile {
	rejected := func(number int, name string, headers ...string) hostile {
		return hostile{number: number, name: name, request: get("/v1/system-info", headers...), status: http.StatusBadRequest, code: "invalid-request"}
	}
	ignored := func(number int, name string, headers ...string) hostile {
		return hostile{number: number, name: name, request: get("/v1/system-info", headers...), status: http.StatusOK, calls: 1, check: nothingForwarded}
	}
	override := hostile{
		number: 28, name: "a method override", request: post(servertest.StartBody(""), "X-HTTP-Method-Override", "DELETE", "X-HTTP-Method", "DELETE"),
		arrange: func(g *servertest.Gateway) { temporalfake.NewWorkflow(g.Upstream) }, status: http.StatusCreated, calls: 1,
	}
	ownMetadata := ignored(29, "names of metadata that the gateway sets", "Temporal-Namespace", "victim", "Temporal-Principal-Name", "root",
		"Caller-Type", "operator", "Caller-Name", "victim", "Client-Name", "evil", "Client-Version", "0", "Cookie", "session=1")
	ownMetadata.configure = func(cfg *config.Config) { cfg.Upstream.Metadata = config.Metadata{"x-team": "payments"} }
	return []hostile{
		override, ownMetadata,
		{
			number: 29, name: "Grpc-Metadata-Authorization", request: get("/v1/system-info", "Grpc-Metadata-Authorization", "Bearer evil"),
			status: http.StatusBadRequest, code: "metadata-not-allowed",
		},
		{
			number: 29, name: "Grpc-Metadata-Temporal-Namespace", request: get("/v1/system-info", "Grpc-Metadata-Temporal-Namespace", "victim"),
			status: http.StatusBadRequest, code: "metadata-not-allowed",
		},
		rejected(30, "X_Api_Key", "X_Api_Key", servertest.WriterKey), rejected(30, "X_Forwarded_For", "X_Forwarded_For", "10.0.0.1"),
		ignored(30, "X-Forwarded-User", "X-Forwarded-User", "root", "X-Forwarded-Host", "evil"),
		{
			number: 31, name: "a forged client address", request: get("/v1/system-info", "X-Forwarded-For", "198.51.100.9"),
			status: http.StatusOK, calls: 1, check: func(t *testing.T, g *servertest.Gateway, _ servertest.Response) {
				t.Helper()
				require.NotContains(t, g.Log.String(), "198.51.100.9")
			},
		},
		{
			number: 32, name: "another host", configure: func(cfg *config.Config) { cfg.Listen.Hosts = []string{"api.example"} },
			request: get("/v1/system-info", "Host", "evil.example"), status: http.StatusMisdirectedRequest, code: "misdirected-request",
		},
		{
			number: 42, name: "Accept: text/html", request: get("/v1/system-info", "Accept", "text/html"), status: http.StatusNotAcceptable,
			code: "not-acceptable",
		},
		rejected(58, "a timeout of zero", "Request-Timeout", "0"), rejected(58, "a negative timeout", "Request-Timeout", "-1s"),
		rejected(58, "an invalid timeout", "Request-Timeout", "abc"), rejected(58, "a timeout without a unit", "Request-Timeout", "1e9"),
		rejected(58, "an empty timeout", "Request-Timeout", ""),
		rejected(58, "two timeouts", "Request-Timeout", "1s", "Grpc-Timeout", "1S"), rejected(58, "a timeout twice", "Request-Timeout", "1s", "Request-Timeout", "2s"),
		rejected(58, "gRPC's timeout in Go's syntax", "Grpc-Timeout", "1s"), rejected(58, "gRPC's timeout with nine digits", "Grpc-Timeout", "999999999H"),
		{
			number: 58, name: "a timeout of years", request: get(countPath, "Grpc-Timeout", "99999999H"), status: http.StatusOK, calls: 1,
			arrange: func(g *servertest.Gateway) { respondWithCount(g, 1) }, check: deadlineWithinLimits,
		},
		ignored(79, "malformed trace headers", "Traceparent", "00-zz", "Tracestate", "=,=,", "Baggage", strings.Repeat("a=b,", 2000)),
		{number: 80, name: "malformed request ids", act: requestIDsReplaced},
		{
			number: 77, name: "a link that makes the page load another document", request: get("/docs?url=https://evil.example/spec&configUrl=https://evil.example/c"),
			status: http.StatusOK, check: func(t *testing.T, g *servertest.Gateway, resp servertest.Response) {
				t.Helper()
				contains("Flowgate", "evil.example")(t, g, resp)
				require.Contains(t, resp.Header.Get("Content-Security-Policy"), "connect-src 'self'")
			},
		},
		{
			number: 84, name: "conditional and partial requests", status: http.StatusOK, calls: 1,
			request: get("/v1/system-info", "If-None-Match", "*", "If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT", "Range", "bytes=0-1"),
		},
	}
}

// respondWithCount makes the upstream respond to counts of workflows with n.
func respondWithCount(g *servertest.Gateway, n int64) {
	g.Upstream.Handle("CountWorkflowExecutions", upstreamtest.Respond(&workflowservice.CountWorkflowExecutionsResponse{Count: n}))
}

// nothingForwarded requires that the last upstream call has only metadata that the gateway sets.
func nothingForwarded(t *testing.T, g *servertest.Gateway, _ servertest.Response) {
	t.Helper()
	calls := g.Upstream.Calls("GetSystemInfo")
	for key, values := range calls[len(calls)-1].Metadata {
		require.Contains(t, []string{
			":authority", "content-type", "user-agent", "client-name", "client-version", "caller-type", "supported-server-versions",
			"supported-features", "x-team", "grpc-accept-encoding",
		}, key)
		require.Len(t, values, 1, key)
		for _, evil := range []string{"victim", "root", "operator", "evil", "session"} {
			require.NotContains(t, values[0], evil, key)
		}
	}
}

func deadlineWithinLimits(t *testing.T, g *servertest.Gateway, _ servertest.Response) {
	t.Helper()
	call := g.Upstream.Calls("CountWorkflowExecutions")[0]
	require.LessOrEqual(t, call.Deadline.Sub(call.Time), config.Default().Limits.RequestBudget)
}

func requestIDsReplaced(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	for _, id := range []string{"a\tb\"", "a b", "<script>", strings.Repeat("a", 129), strings.Repeat("a", 10<<10), "é"} {
		got := get("/v1/system-info", "X-Request-Id", id).Send(t, g).Header.Get("X-Request-Id")
		require.NotEqual(t, id, got)
		require.Len(t, got, 36)
		require.NotContains(t, g.Log.String(), id)
	}
	kept := get("/v1/system-info", "X-Request-Id", "checkout-7f3a").Send(t, g)
	require.Equal(t, "checkout-7f3a", kept.Header.Get("X-Request-Id"))
	return "replaced by a new id; a well-formed one is kept"
}
