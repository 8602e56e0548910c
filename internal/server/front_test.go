package server_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func TestReadinessFollowsTheUpstreamWithoutCallsPerProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, nil)
		g.upstream.Handle("GetSystemInfo", upstreamtest.Fail(codes.PermissionDenied, "Request unauthorized."))
		time.Sleep(20 * time.Second)
		synctest.Wait()
		before := len(g.upstream.Calls("GetSystemInfo"))
		for range 100 {
			require.Equal(t, http.StatusServiceUnavailable, g.ready(t))
		}
		require.Len(t, g.upstream.Calls("GetSystemInfo"), before)
		require.Contains(t, g.adminText(t, "/readyz"), "permission-denied")

		g.upstream.Handle("GetSystemInfo", upstreamtest.Answer(&workflowservice.GetSystemInfoResponse{}))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Equal(t, http.StatusOK, g.ready(t))
		require.Contains(t, g.adminText(t, "/metrics"), "flowgate_ready 1")

		g.upstream.Handle("GetSystemInfo", upstreamtest.Fail(codes.Unavailable, "gone"))
		g.upstream.Handle("TerminateWorkflowExecution", upstreamtest.Fail(codes.Unavailable, "gone"))
		time.Sleep(2 * time.Second)
		g.do(t, http.MethodPost, "/v1/namespaces/default/workflows/w/terminate", "")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Contains(t, g.adminText(t, "/metrics"), "flowgate_ready 0", "a failed call makes the watch ask at once")
		require.Equal(t, http.StatusServiceUnavailable, g.ready(t))
	})
}

// adminText reads a page of the admin listener.
func (g *gateway) adminText(t *testing.T, path string) string {
	t.Helper()
	response, err := g.admin.Get("http://admin" + path) //nolint:noctx // ends with the bubble
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(text)
}

func TestAdminPagesAreNotPublic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, nil)
		for _, path := range []string{"/metrics", "/debug/pprof/"} {
			require.Equal(t, http.StatusNotFound, g.do(t, http.MethodGet, path, "").status, path)
			require.NotEmpty(t, g.adminText(t, path))
		}
	})
}

func TestHostileRequestsNeverReachTheUpstream(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		code                     string
	}{
		{name: "unknown route", method: "GET", path: "/v2/x", status: 404, code: "route-not-found"},
		{name: "wrong method", method: "PUT", path: "/v1/system-info", status: 405, code: "method-not-allowed"},
		{name: "unknown method", method: "FOO", path: "/v1/system-info", status: 405, code: "method-not-allowed"},
		{name: "control character", method: "GET", path: "/v1/namespaces/default/workflows/a%00b", status: 400, code: "invalid-path"},
		{name: "invalid UTF-8", method: "GET", path: "/v1/namespaces/default/workflows/%ff", status: 400, code: "invalid-path"},
		{name: "dot segment", method: "GET", path: "/v1/namespaces/default/workflows/%2e%2e", status: 400, code: "invalid-path"},
		{name: "underscore header", method: "GET", path: "/v1/system-info", headers: []string{"X_User", "admin"}, status: 400, code: "invalid-request"},
		{name: "unknown parameter", method: "GET", path: "/v1/namespaces/default/workflows?q=1", status: 400, code: "invalid-request"},
		{name: "repeated parameter", method: "GET", path: "/v1/namespaces/default/workflows?query=a&query=b", status: 400, code: "invalid-request"},
		{name: "semicolon in the query", method: "GET", path: "/v1/namespaces/default/workflows?query=a;b", status: 400, code: "invalid-request"},
		{name: "page size zero", method: "GET", path: "/v1/namespaces/default/workflows?pageSize=0", status: 400, code: "invalid-request"},
		{name: "page size no number", method: "GET", path: "/v1/namespaces/default/workflows?pageSize=abc", status: 400, code: "invalid-request"},
		{name: "forged page token", method: "GET", path: "/v1/namespaces/default/workflows?pageToken=AAAAAAAAAAAAAAAAAAAAAAAAAAAA", status: 400, code: "invalid-page-token"},
		{name: "no acceptable type", method: "GET", path: "/v1/system-info", headers: []string{"Accept", "text/html"}, status: 406, code: "not-acceptable"},
		{name: "no content type", method: "POST", path: "/v1/namespaces/default/workflows", body: `{}`, headers: []string{"Content-Type", "text/plain"}, status: 415, code: "unsupported-media-type"},
		{name: "encoded body", method: "POST", path: "/v1/namespaces/default/workflows", body: `{}`, headers: []string{"Content-Encoding", "gzip"}, status: 415, code: "unsupported-media-type"},
		{name: "no body", method: "POST", path: "/v1/namespaces/default/workflows", status: 400, code: "invalid-request"},
		{name: "null body", method: "POST", path: "/v1/namespaces/default/workflows", body: `null`, status: 400, code: "invalid-request"},
		{name: "list body", method: "POST", path: "/v1/namespaces/default/workflows", body: `[]`, status: 400, code: "invalid-request"},
		{name: "two documents", method: "POST", path: "/v1/namespaces/default/workflows", body: `{}{}`, status: 400, code: "invalid-json"},
		{name: "byte order mark", method: "POST", path: "/v1/namespaces/default/workflows", body: "\ufeff{}", status: 400, code: "invalid-json"},
		{name: "duplicate member", method: "POST", path: "/v1/namespaces/default/workflows", body: `{"workflowId":"a","workflowId":"b"}`, status: 400, code: "invalid-json"},
		{name: "duplicate member deep in a value", method: "POST", path: "/v1/namespaces/default/workflows", body: `{"args":[{"a":[{"b":1,"b":2}]}]}`, status: 400, code: "invalid-json"},
		{name: "invalid UTF-8 in a value", method: "POST", path: "/v1/namespaces/default/workflows", body: "{\"args\":[\"\xff\"]}", status: 400, code: "invalid-json"},
		{name: "lone surrogate", method: "POST", path: "/v1/namespaces/default/workflows", body: `{"args":["\ud800"]}`, status: 400, code: "invalid-json"},
		{name: "unknown field", method: "POST", path: "/v1/namespaces/default/workflows", body: `{"workflowID":"a"}`, status: 400, code: "unknown-field"},
		{name: "missing members", method: "POST", path: "/v1/namespaces/default/workflows", body: `{}`, status: 400, code: "invalid-request"},
		{name: "unknown enum value", method: "POST", path: "/v1/namespaces/default/workflows", body: start1(`"idReusePolicy":"SOMETIMES"`), status: 400, code: "invalid-request"},
		{name: "negative timeout", method: "POST", path: "/v1/namespaces/default/workflows", body: start1(`"runTimeout":"-1s"`), status: 400, code: "invalid-request"},
		{name: "number for a string", method: "POST", path: "/v1/namespaces/default/workflows", body: start1(`"cronSchedule":5`), status: 400, code: "invalid-request"},
		{name: "both forms of arguments", method: "POST", path: "/v1/namespaces/default/workflows", body: start1(`"args":[1],"argPayloads":[{"json":1}]`), status: 400, code: "invalid-request"},
		{name: "payload of neither form", method: "POST", path: "/v1/namespaces/default/workflows", body: start1(`"argPayloads":[{}]`), status: 400, code: "invalid-request"},
		{name: "search attribute of a wrong kind", method: "POST", path: "/v1/namespaces/default/workflows", body: start1(`"searchAttributes":{"N":{"type":"Int","value":"x"}}`), status: 400, code: "invalid-request"},
		{name: "retry policy below one", method: "POST", path: "/v1/namespaces/default/workflows", body: start1(`"retryPolicy":{"backoffCoefficient":0.5}`), status: 400, code: "invalid-request"},
		{name: "pinned to nothing", method: "POST", path: "/v1/namespaces/default/workflows", body: start1(`"versioningOverride":{"behavior":"PINNED"}`), status: 400, code: "invalid-request"},
		{name: "long id", method: "GET", path: "/v1/namespaces/default/workflows/" + strings.Repeat("a", 1001), status: 400, code: "invalid-request"},
		{name: "parameter against the path", method: "GET", path: "/v1/namespaces/default/workflows/a?workflowId=b", status: 400, code: "invalid-request"},
		{name: "request timeout of zero", method: "GET", path: "/v1/system-info", headers: []string{"Request-Timeout", "0s"}, status: 400, code: "invalid-request"},
		{name: "two timeouts", method: "GET", path: "/v1/system-info", headers: []string{"Request-Timeout", "1s", "Grpc-Timeout", "1S"}, status: 400, code: "invalid-request"},
		{name: "gRPC timeout of Go's form", method: "GET", path: "/v1/system-info", headers: []string{"Grpc-Timeout", "1s"}, status: 400, code: "invalid-request"},
		{name: "metadata not allowed", method: "GET", path: "/v1/system-info", headers: []string{"Grpc-Metadata-Authorization", "Bearer evil"}, status: 400, code: "metadata-not-allowed"},
		{name: "wait that is no duration", method: "GET", path: resultPath + "?wait=soon", status: 400, code: "invalid-request"},
		{name: "failure status of another kind", method: "GET", path: resultPath + "?failureStatus=500", status: 400, code: "invalid-request"},
		{name: "failure status of another kind on a start", method: "POST", path: "/v1/namespaces/default/workflows?failureStatus=500", body: start1(""), status: 400, code: "invalid-request"},
		{name: "two credentials", method: "GET", path: "/v1/system-info", headers: []string{"X-API-Key", writerKey}, status: 400, code: "ambiguous-credentials"},
		{name: "unsupported scheme", method: "GET", path: "/v1/system-info", headers: []string{"Authorization", "Basic eDp5"}, status: 401, code: "unauthenticated"},
		{name: "wrong key", method: "GET", path: "/v1/system-info", headers: []string{"Authorization", "Bearer fg_writer_" + strings.Repeat("x", 32)}, status: 401, code: "invalid-credential"},
		{name: "foreign namespace", method: "GET", path: "/v1/namespaces/other/workflows", status: 403, code: "namespace-forbidden"},
		{name: "reader starts", method: "POST", path: "/v1/namespaces/default/workflows", body: start1(""), headers: []string{"Authorization", "Bearer " + readerKey}, status: 403, code: "operation-forbidden"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := start(t, nil)
				synctest.Wait() // past the health watch's first call
				before := len(g.upstream.AllCalls())
				a := g.do(t, c.method, c.path, c.body, c.headers...)
				require.Equal(t, c.status, a.status, a.body)
				require.Equal(t, c.code, a.field(t, "code"), a.body)
				require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
				require.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"))
				require.Equal(t, a.header.Get("X-Request-Id"), a.field(t, "requestId"))
				require.Len(t, g.upstream.AllCalls(), before, "no upstream call")
			})
		})
	}
}

// start1 is a start request with one more member.
func start1(member string) string {
	if member != "" {
		member = "," + member
	}
	return `{"workflowType":"T","workflowId":"w","taskQueue":"q"` + member + `}`
}

func TestAllowNamesTheMethods(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, nil)
		a := g.do(t, http.MethodDelete, "/v1/namespaces/default/workflows", "")
		require.Equal(t, "GET, HEAD, POST", a.header.Get("Allow"))
		head := g.do(t, http.MethodHead, "/v1/system-info", "")
		require.Equal(t, http.StatusOK, head.status)
		require.Empty(t, head.body)
	})
}

func TestRequestIDIsKeptWhenWellFormed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, nil)
		require.Equal(t, "abc-1.2_3", g.do(t, http.MethodGet, "/v1/system-info", "", "X-Request-Id", "abc-1.2_3").header.Get("X-Request-Id"))
		for _, id := range []string{`a"b`, strings.Repeat("a", 129)} {
			got := g.do(t, http.MethodGet, "/v1/system-info", "", "X-Request-Id", id).header.Get("X-Request-Id")
			require.NotEqual(t, id, got)
			require.Len(t, got, 36)
		}
	})
}

func TestOneLogLineARequestWithoutSecrets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, nil)
		newFakeWorkflow(g.upstream)
		g.do(t, http.MethodPost, "/v1/namespaces/default/workflows?wait=1s",
			`{"workflowType":"T","workflowId":"w","taskQueue":"q","args":["PAYLOAD-MARKER"],"memo":{"m":"PAYLOAD-MARKER"}}`)
		g.do(t, http.MethodGet, "/v1/namespaces/default/workflows?query=QUERY-MARKER&x=1", "")
		g.do(t, http.MethodGet, "/v1/system-info", "", "Authorization", "Bearer KEY-MARKER")
		g.do(t, http.MethodGet, "/v1/namespaces/NAMESPACE-MARKER/workflows", "")
		g.do(t, http.MethodPost, "/v1/namespaces/default/workflows", `{"FIELD-MARKER":1}`)
		g.upstream.Handle("CountWorkflowExecutions", upstreamtest.Fail(codes.InvalidArgument, "invalid query: VALUE-MARKER"))
		require.Contains(t, g.do(t, http.MethodGet, "/v1/namespaces/default/workflows:count", "").body, "VALUE-MARKER")
		synctest.Wait()
		log := g.log.String()
		require.Equal(t, 6, strings.Count(log, `"msg":"request"`), log)
		require.Contains(t, log, `"route":"/v1/namespaces/{namespace}/workflows"`)
		require.Contains(t, log, `"principal":"writer"`)
		require.Contains(t, log, `"code":"invalid-credential"`)
		require.NotContains(t, log, "MARKER")
		require.NotContains(t, log, writerKey)
		require.Contains(t, g.adminText(t, "/metrics"), `http_route="/v1/namespaces/{namespace}/workflows"`)
	})
}

func TestRequestTimeoutIsTheDeadlineOfTheCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, nil)
		g.upstream.Handle("QueryWorkflow", upstreamtest.Hang)
		for header, value := range map[string]string{"Request-Timeout": "1500ms", "Grpc-Timeout": "1500m"} {
			var a answered
			took := elapsed(func() {
				a = g.do(t, http.MethodGet, "/v1/namespaces/default/workflows/w/query?query=q", "", header, value)
			})
			require.Equal(t, 1500*time.Millisecond, took)
			require.Equal(t, http.StatusGatewayTimeout, a.status)
			require.Equal(t, "query-timeout", a.field(t, "code"))
		}
	})
}

func TestUpstreamThatIsAwayIsRetriedWithinTheBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, nil)
		g.upstream.Handle("CountWorkflowExecutions", upstreamtest.InTurn(
			upstreamtest.Fail(codes.Unavailable, "10.0.0.7:7233 refused"),
			upstreamtest.Answer(&workflowservice.CountWorkflowExecutionsResponse{Count: 3})))
		a := g.do(t, http.MethodGet, "/v1/namespaces/default/workflows:count", "")
		require.Equal(t, http.StatusOK, a.status)
		require.Len(t, g.upstream.Calls("CountWorkflowExecutions"), 2)

		g.upstream.Handle("TerminateWorkflowExecution", upstreamtest.Fail(codes.Unavailable, "10.0.0.7:7233 refused"))
		a = g.do(t, http.MethodPost, "/v1/namespaces/default/workflows/w/terminate", "")
		require.Equal(t, http.StatusServiceUnavailable, a.status)
		require.NotContains(t, a.body, "10.0.0.7", "an address stays in the log")
		require.Contains(t, g.log.String(), "10.0.0.7")
		require.Len(t, g.upstream.Calls("TerminateWorkflowExecution"), 1, "it carries no request id")
	})
}

func TestRequestEndsWithinItsBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, func(cfg *config.Config) { cfg.Limits.Timeouts.Default = 5 * time.Minute })
		g.upstream.Handle("CountWorkflowExecutions", upstreamtest.Hang)
		var a answered
		took := elapsed(func() { a = g.do(t, http.MethodGet, "/v1/namespaces/default/workflows:count", "") })
		require.Equal(t, 58*time.Second, took)
		require.Equal(t, "deadline-exceeded", a.field(t, "code"))
	})
}

func TestSlowClientsAreCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, nil)
		conn, err := g.listener.dial(t.Context())
		require.NoError(t, err)
		defer func() { _ = conn.Close() }()
		_, err = io.WriteString(conn, "GET /v1/system-info HTTP/1.1\r\nHost: g\r\nX-Slow: ")
		require.NoError(t, err)
		took := elapsed(func() { _, err = conn.Read(make([]byte, 1)) })
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, 5*time.Second, took)
	})
}

func TestSlowBodyIsAnsweredWithTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, nil)
		conn, err := g.listener.dial(t.Context())
		require.NoError(t, err)
		defer func() { _ = conn.Close() }()
		_, err = fmt.Fprintf(conn, "POST /v1/namespaces/default/workflows HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer %s\r\n"+
			"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{", writerKey)
		require.NoError(t, err)
		var text []byte
		took := elapsed(func() { text, err = io.ReadAll(conn) })
		require.NoError(t, err)
		require.Equal(t, 30*time.Second, took)
		require.Contains(t, string(text), "408 Request Timeout")
		require.Contains(t, string(text), "Connection: close")
		require.Empty(t, g.upstream.Calls("StartWorkflowExecution"))
	})
}

func TestLargeBodyIsRefusedAndRead(t *testing.T) {
	t.Parallel()
	for name, length := range map[string]int64{"told": 6 << 20, "chunked": -1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := start(t, nil)
				request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://g/v1/namespaces/default/workflows",
					io.LimitReader(zeros{}, 6<<20))
				require.NoError(t, err)
				request.ContentLength = length
				request.Header.Set("Authorization", "Bearer "+writerKey)
				request.Header.Set("Content-Type", "application/json")
				response, err := g.client.Do(request)
				require.NoError(t, err)
				defer func() { _ = response.Body.Close() }()
				require.Equal(t, http.StatusRequestEntityTooLarge, response.StatusCode)
			})
		})
	}
}

func TestRefusedCallerWithALargeBodyFindsTheAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, nil)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://g/v1/namespaces/default/workflows",
			io.LimitReader(zeros{}, 6<<20))
		require.NoError(t, err)
		request.ContentLength = 6 << 20
		response, err := g.client.Do(request)
		require.NoError(t, err)
		defer func() { _ = response.Body.Close() }()
		require.Equal(t, http.StatusUnauthorized, response.StatusCode)
		require.True(t, response.Close)
	})
}

// zeros is an endless body.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestUnreadableAnswerIsTheUpstreamsFault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, nil)
		g.upstream.Handle("CountWorkflowExecutions", func(context.Context, []byte) ([]byte, error) { return []byte{0xff}, nil })
		a := g.do(t, http.MethodGet, "/v1/namespaces/default/workflows:count", "")
		require.Equal(t, http.StatusBadGateway, a.status)
		require.Equal(t, "upstream-error", a.field(t, "code"))
	})
}

func TestRefusedCallerCannotHoldTheConnectionByItsBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, nil)
		conn, err := g.listener.dial(t.Context())
		require.NoError(t, err)
		defer func() { _ = conn.Close() }()
		_, err = io.WriteString(conn, "POST /v1/namespaces/default/workflows HTTP/1.1\r\nHost: g\r\nContent-Length: 100\r\n\r\n{")
		require.NoError(t, err)
		took := elapsed(func() { _, err = io.Copy(io.Discard, conn) })
		require.NoError(t, err)
		require.LessOrEqual(t, took, 31*time.Second)
	})
}

func TestOnlyListedHostsAreServed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, func(cfg *config.Config) { cfg.Listen.Hosts = []string{"api.example"} })
		synctest.Wait()
		for host, status := range map[string]int{
			"api.example": 200, "API.example:8080": 200, "evil.example": 421, "api.example.evil": 421, "": 421,
		} {
			conn, err := g.listener.dial(t.Context())
			require.NoError(t, err)
			_, err = fmt.Fprintf(conn, "GET /v1/system-info HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n", host, writerKey)
			require.NoError(t, err)
			text, err := io.ReadAll(conn)
			require.NoError(t, err)
			require.Contains(t, string(text[:15]), strconv.Itoa(status), host)
			require.NoError(t, conn.Close())
		}
		require.Equal(t, http.StatusOK, g.ready(t), "probes come by address")
	})
}
