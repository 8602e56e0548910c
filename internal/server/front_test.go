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
		g := start(t, startOptions{})
		g.upstream.Handle("GetSystemInfo", upstreamtest.Fail(codes.PermissionDenied, "Request unauthorized."))
		time.Sleep(20 * time.Second)
		synctest.Wait()
		before := len(g.upstream.Calls("GetSystemInfo"))
		for range 100 {
			require.Equal(t, http.StatusServiceUnavailable, g.ready(t))
		}
		require.Len(t, g.upstream.Calls("GetSystemInfo"), before)
		require.Contains(t, g.adminText(t, "/readyz"), "permission-denied")

		g.upstream.Handle("GetSystemInfo", upstreamtest.Respond(&workflowservice.GetSystemInfoResponse{}))
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

func TestAdminPagesAreNotPublic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{})
		for _, path := range []string{"/metrics", "/debug/pprof/"} {
			require.Equal(t, http.StatusNotFound, g.do(t, http.MethodGet, path, "").status, path)
			require.NotEmpty(t, g.adminText(t, path))
		}
	})
}

func TestAllowNamesTheMethods(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{})
		a := g.do(t, http.MethodDelete, "/v1/namespaces/default/workflows", "")
		require.Equal(t, "GET, HEAD, POST", a.header.Get("Allow"))
		head := g.do(t, http.MethodHead, "/v1/system-info", "")
		require.Equal(t, http.StatusOK, head.status)
		require.Empty(t, head.body)
	})
}

func TestOneLogLineARequestWithoutSecrets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{})
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
		g := start(t, startOptions{})
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
		g := start(t, startOptions{})
		g.upstream.Handle("CountWorkflowExecutions", upstreamtest.InTurn(
			upstreamtest.Fail(codes.Unavailable, "10.0.0.7:7233 refused"),
			upstreamtest.Respond(&workflowservice.CountWorkflowExecutionsResponse{Count: 3})))
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
		g := start(t, startOptions{configure: func(cfg *config.Config) { cfg.Limits.Timeouts.Default = 5 * time.Minute }})
		g.upstream.Handle("CountWorkflowExecutions", upstreamtest.Hang)
		var a answered
		took := elapsed(func() { a = g.do(t, http.MethodGet, "/v1/namespaces/default/workflows:count", "") })
		require.Equal(t, 58*time.Second, took)
		require.Equal(t, "deadline-exceeded", a.field(t, "code"))
	})
}

func TestLargeBodyIsRefusedAndRead(t *testing.T) {
	t.Parallel()
	for name, length := range map[string]int64{"told": 6 << 20, "chunked": -1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := start(t, startOptions{})
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
		g := start(t, startOptions{})
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
		g := start(t, startOptions{})
		g.upstream.Handle("CountWorkflowExecutions", func(context.Context, []byte) ([]byte, error) { return []byte{0xff}, nil })
		a := g.do(t, http.MethodGet, "/v1/namespaces/default/workflows:count", "")
		require.Equal(t, http.StatusBadGateway, a.status)
		require.Equal(t, "upstream-error", a.field(t, "code"))
	})
}

func TestRefusedCallerCannotHoldTheConnectionByItsBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{})
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
		g := start(t, startOptions{configure: func(cfg *config.Config) { cfg.Listen.Hosts = []string{"api.example"} }})
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
