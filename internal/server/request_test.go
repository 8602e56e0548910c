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
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func TestReadinessFollowsTheUpstreamWithoutACallForEachProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		g.Upstream.Handle("GetSystemInfo", upstreamtest.Fail(codes.PermissionDenied, "Request unauthorized."))
		time.Sleep(20 * time.Second) // longer than the interval of the health checks
		synctest.Wait()
		before := len(g.Upstream.Calls("GetSystemInfo"))
		for range 100 {
			require.Equal(t, http.StatusServiceUnavailable, g.ReadyzStatus(t))
		}
		require.Len(t, g.Upstream.Calls("GetSystemInfo"), before)
		require.Contains(t, g.AdminText(t, "/readyz"), "permission-denied")

		g.Upstream.Handle("GetSystemInfo", upstreamtest.Respond(&workflowservice.GetSystemInfoResponse{}))
		time.Sleep(2 * time.Second) // while it is not ready, the upstream is checked every second
		synctest.Wait()
		require.Equal(t, http.StatusOK, g.ReadyzStatus(t))
		require.Contains(t, g.AdminText(t, "/metrics"), "flowgate_ready 1")

		g.Upstream.Handle("GetSystemInfo", upstreamtest.Fail(codes.Unavailable, "gone"))
		g.Upstream.Handle("TerminateWorkflowExecution", upstreamtest.Fail(codes.Unavailable, "gone"))
		time.Sleep(2 * time.Second)
		g.Do(t, http.MethodPost, "/v1/namespaces/default/workflows/w/terminate", "")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Contains(t, g.AdminText(t, "/metrics"), "flowgate_ready 0", "a failed call triggers a health check")
		require.Equal(t, http.StatusServiceUnavailable, g.ReadyzStatus(t))
	})
}

func TestAdminPagesAreNotPublic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		for _, path := range []string{"/metrics", "/debug/pprof/"} {
			require.Equal(t, http.StatusNotFound, g.Do(t, http.MethodGet, path, "").Status, path)
			require.NotEmpty(t, g.AdminText(t, path))
		}
	})
}

func TestTheAllowHeaderListsTheMethodsOfARoute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		resp := g.Do(t, http.MethodDelete, "/v1/namespaces/default/workflows", "")
		require.Equal(t, "GET, HEAD, POST", resp.Header.Get("Allow"))
		head := g.Do(t, http.MethodHead, "/v1/system-info", "")
		require.Equal(t, http.StatusOK, head.Status)
		require.Empty(t, head.Body)
	})
}

func TestRequestsHaveOneLogLineEachWithoutSecrets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		temporalfake.NewWorkflow(g.Upstream)
		g.Do(t, http.MethodPost, "/v1/namespaces/default/workflows?wait=1s",
			`{"workflowType":"T","workflowId":"w","taskQueue":"q","args":["PAYLOAD-MARKER"],"memo":{"m":"PAYLOAD-MARKER"}}`)
		g.Do(t, http.MethodGet, "/v1/namespaces/default/workflows?query=QUERY-MARKER&x=1", "")
		g.Do(t, http.MethodGet, "/v1/system-info", "", "Authorization", "Bearer KEY-MARKER")
		g.Do(t, http.MethodGet, "/v1/namespaces/NAMESPACE-MARKER/workflows", "")
		g.Do(t, http.MethodPost, "/v1/namespaces/default/workflows", `{"FIELD-MARKER":1}`)
		g.Upstream.Handle("CountWorkflowExecutions", upstreamtest.Fail(codes.InvalidArgument, "invalid query: VALUE-MARKER"))
		require.Contains(t, g.Do(t, http.MethodGet, "/v1/namespaces/default/workflows:count", "").Body, "VALUE-MARKER")
		synctest.Wait()
		log := g.Log.String()
		const requests = 6 // those above
		require.Equal(t, requests, strings.Count(log, `"msg":"request"`), log)
		require.Contains(t, log, `"route":"/v1/namespaces/{namespace}/workflows"`)
		require.Contains(t, log, `"principal":"writer"`)
		require.Contains(t, log, `"code":"invalid-credential"`)
		require.NotContains(t, log, "MARKER")
		require.NotContains(t, log, servertest.WriterKey)
		require.Contains(t, g.AdminText(t, "/metrics"), `http_route="/v1/namespaces/{namespace}/workflows"`)
	})
}

func TestRequestTimeoutSetsTheDeadlineOfTheCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		g.Upstream.Handle("QueryWorkflow", upstreamtest.Hang)
		for header, value := range map[string]string{"Request-Timeout": "1500ms", "Grpc-Timeout": "1500m"} {
			var resp servertest.Response
			took := servertest.Elapsed(func() {
				resp = g.Do(t, http.MethodGet, "/v1/namespaces/default/workflows/w/query?query=q", "", header, value)
			})
			require.Equal(t, 1500*time.Millisecond, took)
			require.Equal(t, http.StatusGatewayTimeout, resp.Status)
			require.Equal(t, "query-timeout", resp.Field(t, "code"))
		}
	})
}

func TestOnlySafeCallsAreRetried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		g.Upstream.Handle("CountWorkflowExecutions", upstreamtest.InTurn(
			upstreamtest.Fail(codes.Unavailable, "10.0.0.7:7233 refused"),
			upstreamtest.Respond(&workflowservice.CountWorkflowExecutionsResponse{Count: 3})))
		resp := g.Do(t, http.MethodGet, "/v1/namespaces/default/workflows:count", "")
		require.Equal(t, http.StatusOK, resp.Status)
		require.Len(t, g.Upstream.Calls("CountWorkflowExecutions"), 2)

		g.Upstream.Handle("TerminateWorkflowExecution", upstreamtest.Fail(codes.Unavailable, "10.0.0.7:7233 refused"))
		resp = g.Do(t, http.MethodPost, "/v1/namespaces/default/workflows/w/terminate", "")
		require.Equal(t, http.StatusGatewayTimeout, resp.Status)
		require.NotContains(t, resp.Body, "10.0.0.7", "only the log contains addresses")
		require.Contains(t, g.Log.String(), "10.0.0.7")
		require.Len(t, g.Upstream.Calls("TerminateWorkflowExecution"), 1, "a call without a request id is not retried")
	})
}

func TestACallEndsWithinTheRequestBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) { cfg.Limits.Timeouts.Default = 5 * time.Minute }})
		g.Upstream.Handle("CountWorkflowExecutions", upstreamtest.Hang)
		var resp servertest.Response
		took := servertest.Elapsed(func() { resp = g.Do(t, http.MethodGet, "/v1/namespaces/default/workflows:count", "") })
		require.Equal(t, 58*time.Second, took, "the default of limits.requestBudget")
		require.Equal(t, "deadline-exceeded", resp.Field(t, "code"))
	})
}

func TestResponseToALargeBodyArrives(t *testing.T) {
	t.Parallel()
	for name, length := range map[string]int64{"Content-Length": 6 << 20, "chunked": -1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := servertest.Start(t, servertest.Options{})
				request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://g/v1/namespaces/default/workflows",
					io.LimitReader(zeros{}, 6<<20))
				require.NoError(t, err)
				request.ContentLength = length
				request.Header.Set("Authorization", "Bearer "+servertest.WriterKey)
				request.Header.Set("Content-Type", "application/json")
				response, err := g.Client.Do(request)
				require.NoError(t, err)
				defer func() { _ = response.Body.Close() }()
				require.Equal(t, http.StatusRequestEntityTooLarge, response.StatusCode)
			})
		})
	}
}

func TestResponseToAnUnauthenticatedLargeBodyArrives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://g/v1/namespaces/default/workflows",
			io.LimitReader(zeros{}, 6<<20))
		require.NoError(t, err)
		request.ContentLength = 6 << 20
		response, err := g.Client.Do(request)
		require.NoError(t, err)
		defer func() { _ = response.Body.Close() }()
		require.Equal(t, http.StatusUnauthorized, response.StatusCode)
		require.True(t, response.Close)
	})
}

// zeros is an io.Reader that never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestAnInvalidUpstreamResponseIs502(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		g.Upstream.Handle("CountWorkflowExecutions", func(context.Context, []byte) ([]byte, error) { return []byte{0xff}, nil })
		resp := g.Do(t, http.MethodGet, "/v1/namespaces/default/workflows:count", "")
		require.Equal(t, http.StatusBadGateway, resp.Status)
		require.Equal(t, "upstream-error", resp.Field(t, "code"))
	})
}

func TestTheBodyOfARejectedRequestHasADeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		conn, err := g.Listener.Dial(t.Context())
		require.NoError(t, err)
		defer func() { _ = conn.Close() }()
		_, err = io.WriteString(conn, "POST /v1/namespaces/default/workflows HTTP/1.1\r\nHost: g\r\nContent-Length: 100\r\n\r\n{")
		require.NoError(t, err)
		took := servertest.Elapsed(func() { _, err = io.Copy(io.Discard, conn) })
		require.NoError(t, err)
		require.LessOrEqual(t, took, 31*time.Second, "listen.timeouts.readBody is 30 s")
	})
}

func TestOnlyListedHostsAreServed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) { cfg.Listen.Hosts = []string{"api.example"} }})
		synctest.Wait()
		for host, status := range map[string]int{
			"api.example": 200, "API.example:8080": 200, "evil.example": 421, "api.example.evil": 421, "": 421,
		} {
			conn, err := g.Listener.Dial(t.Context())
			require.NoError(t, err)
			_, err = fmt.Fprintf(conn, "GET /v1/system-info HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n", host, servertest.WriterKey)
			require.NoError(t, err)
			text, err := io.ReadAll(conn)
			require.NoError(t, err)
			require.Contains(t, string(text[:15]), strconv.Itoa(status), host)
			require.NoError(t, conn.Close())
		}
		require.Equal(t, http.StatusOK, g.ReadyzStatus(t), "probes are served for any host")
	})
}
