package server_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/testlog"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// overload returns the cases about more requests than the gateway admits.
func overload() []hostile {
	small := func(cfg *config.Config) {
		cfg.Limits.InFlight = config.InFlight{Reads: 3, Writes: 2, Waits: 4, CallerShare: 1, QueueTime: time.Second}
	}
	return []hostile{
		{number: 71, name: "more reads than slots", configure: small, act: func(t *testing.T, g *servertest.Gateway) string {
			t.Helper()
			g.Upstream.Handle("CountWorkflowExecutions", upstreamtest.Hang)
			return exceedSlots(t, g, 3, get(countPath), get("/v1/system-info"), http.StatusServiceUnavailable, "overloaded")
		}},
		{number: 71, name: "more writes than slots", configure: small, act: func(t *testing.T, g *servertest.Gateway) string {
			t.Helper()
			g.Upstream.Handle("TerminateWorkflowExecution", upstreamtest.Hang)
			q := servertest.Request{Method: http.MethodPost, Path: terminatePath}
			return exceedSlots(t, g, 2, q, q, http.StatusServiceUnavailable, "overloaded")
		}},
		{number: 71, name: "more waits than slots", configure: small, act: func(t *testing.T, g *servertest.Gateway) string {
			t.Helper()
			temporalfake.NewWorkflow(g.Upstream)
			return exceedSlots(t, g, 4, get(servertest.ResultPath+"?wait=50s"), post(servertest.StartBody(""), "Prefer", "wait=50"),
				http.StatusServiceUnavailable, "overloaded")
		}},
		{
			number: 71, name: "one caller with more than its share", act: func(t *testing.T, g *servertest.Gateway) string {
				t.Helper()
				g.Upstream.Handle("CountWorkflowExecutions", upstreamtest.Hang)
				summary := exceedSlots(t, g, 2, get(countPath), get(countPath), http.StatusTooManyRequests, "rate-limited")
				require.Equal(t, http.StatusOK, get("/v1/system-info", "Authorization", "Bearer "+servertest.ReaderKey).Send(t, g).Status,
					"other callers are admitted")
				return summary
			},
			configure: func(cfg *config.Config) {
				cfg.Limits.InFlight = config.InFlight{Reads: 4, Writes: 2, Waits: 4, CallerShare: 0.5, Queue: 1, QueueTime: time.Second}
			},
		},
	}
}

// exceedSlots occupies all slots with requests that do not end, and then sends last, which must be rejected with the
// status and the code.
func exceedSlots(t *testing.T, g *servertest.Gateway, slots int, occupying, last servertest.Request, status int, code string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var sending sync.WaitGroup
	for range slots {
		sending.Go(func() {
			method := occupying.Method
			if method == "" {
				method = http.MethodGet
			}
			_, _ = g.Send(ctx, method, occupying.Path, occupying.Body)
		})
	}
	synctest.Wait()
	before := len(g.Upstream.AllCalls())
	resp := last.Send(t, g)
	require.Equal(t, status, resp.Status, resp.Body)
	requireWellFormed(t, resp, code)
	require.Equal(t, "1", resp.Header.Get("Retry-After"))
	require.Len(t, g.Upstream.AllCalls(), before)
	for _, probe := range []string{"/livez", "/readyz"} {
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, probe, "").Status)
	}
	cancel()
	sending.Wait()
	synctest.Wait()
	for _, kind := range []string{"read", "write", "wait"} {
		require.Contains(t, g.AdminText(t, "/metrics"), `flowgate_in_flight{kind="`+kind+`"} 0`, "every slot is released")
	}
	return fmt.Sprintf("%d are admitted, the next one receives %d %s, 0 upstream calls; probes return 200", slots, status, code)
}

// operating returns the cases about panics, shutdown, CORS and the configuration.
func operating() []hostile {
	notPublic := func(number int, path string) hostile {
		return hostile{number: number, name: path, request: get(path), status: http.StatusNotFound, code: "route-not-found"}
	}
	withOrigin := func(cfg *config.Config) { cfg.CORS.Origins = []string{"https://app.example"} }
	preflight := func(name, origin string, configure func(*config.Config), status int, code string, check func(*testing.T, *servertest.Gateway, servertest.Response)) hostile {
		return hostile{
			number: 76, name: name, configure: configure, status: status, code: code, check: check,
			request: servertest.Request{
				Method: http.MethodOptions, Path: servertest.WorkflowsPath, Anonymous: true, Headers: []string{
					"Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type",
				},
			},
		}
	}
	return []hostile{
		{number: 73, name: "a handler that panics", act: panicInHandler},
		{number: 74, name: "a shutdown with requests in flight", configure: servertest.WithDrain, act: shutdown},
		{number: 75, name: "requests during the shutdown", configure: servertest.WithDrain, act: requestsDuringShutdown},
		preflight("a preflight without configured origins", "https://app.example", nil, http.StatusMethodNotAllowed, "method-not-allowed", requireNoCORS),
		preflight("a preflight of another origin", "https://evil.example", withOrigin, http.StatusNoContent, "", requireNoCORS),
		preflight("a preflight of the origin null", "null", withOrigin, http.StatusNoContent, "", requireNoCORS),
		preflight("a preflight of a host name that begins with the listed one", "https://app.example.evil", withOrigin, http.StatusNoContent, "", requireNoCORS),
		preflight("a preflight of the listed origin", "https://app.example", withOrigin, http.StatusNoContent, "", requireCORS),
		{
			number: 76, name: "the listed origin reads a problem", configure: withOrigin, check: requireCORS,
			request: get("/v1/nothing", "Origin", "https://app.example"), status: http.StatusNotFound, code: "route-not-found",
		},
		{
			number: 76, name: "another origin's call", configure: withOrigin, check: requireNoCORS,
			request: get("/v1/system-info", "Origin", "https://evil.example"), status: http.StatusOK, calls: 1,
		},
		{number: 81, name: "a configuration with many problems", act: invalidConfiguration},
		notPublic(82, "/metrics"), notPublic(82, "/debug/pprof/"), notPublic(82, "/debug/pprof/heap"),
		{number: 83, name: "a caller that stops reading", act: stalledReader},
	}
}

func requireNoCORS(t *testing.T, _ *servertest.Gateway, resp servertest.Response) {
	t.Helper()
	require.Empty(t, resp.Header.Values("Access-Control-Allow-Origin"))
	require.Empty(t, resp.Header.Values("Access-Control-Allow-Credentials"))
}

func requireCORS(t *testing.T, _ *servertest.Gateway, resp servertest.Response) {
	t.Helper()
	require.Equal(t, "https://app.example", resp.Header.Get("Access-Control-Allow-Origin"))
	require.Contains(t, resp.Header.Get("Vary"), "Origin")
	require.Empty(t, resp.Header.Values("Access-Control-Allow-Credentials"))
}

// panicInHandler serves a handler of the test that panics, because no request makes a handler of the gateway panic.
func panicInHandler(t *testing.T, _ *servertest.Gateway) string {
	t.Helper()
	log, listener := &testlog.Buffer{}, servertest.NewListener()
	route, _ := server.NewLoggedRoute(t, log, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("abort") {
			panic(http.ErrAbortHandler)
		}
		panic("broken") //nolint:forbidigo // the test is about panics
	})
	public := &http.Server{Handler: route} //nolint:gosec // in memory
	var serving sync.WaitGroup
	serving.Go(func() { _ = public.Serve(listener) })
	defer serving.Wait()
	defer func() { _ = public.Close() }()
	client := servertest.ClientOf(listener)
	defer client.CloseIdleConnections()

	response, err := client.Get("http://g/fails") //nolint:noctx // ends with the bubble
	require.NoError(t, err)
	resp := servertest.ReadResponse(t, response)
	require.Equal(t, http.StatusInternalServerError, resp.Status)
	requireWellFormed(t, resp, "internal")
	require.NotContains(t, resp.Body, "broken")
	require.Contains(t, log.String(), "hardening_operation_test.go", "the log has the stack")

	logged := len(log.String())
	response, err = client.Get("http://g/fails?abort") //nolint:noctx // ends with the bubble
	if err == nil {
		_ = response.Body.Close()
	}
	require.Error(t, err, "the connection is aborted")
	synctest.Wait()
	require.NotContains(t, log.String()[logged:], "stack")
	return "500 internal and a stack in the log; an abort closes the connection and logs one line"
}

// shutdown shuts down a gateway with a call and a wait in flight.
func shutdown(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	temporalfake.NewWorkflow(g.Upstream)
	g.Upstream.Handle("CountWorkflowExecutions", func(ctx context.Context, _ []byte) ([]byte, error) {
		select {
		case <-time.After(8 * time.Second): // longer than the drain delay of 5 s
		case <-ctx.Done():
		}
		return nil, ctx.Err()
	})
	inFlight, waiting := make(chan servertest.Response, 1), make(chan servertest.Response, 1)
	for path, response := range map[string]chan servertest.Response{countPath: inFlight, servertest.ResultPath + "?wait=50s": waiting} {
		go func() {
			resp, _ := g.Send(t.Context(), http.MethodGet, path, "")
			response <- resp
		}()
	}
	time.Sleep(time.Second)
	begin := time.Now()
	g.Stop()
	synctest.Wait()
	require.Equal(t, http.StatusServiceUnavailable, g.ReadyzStatus(t), "/readyz fails immediately")
	require.Equal(t, http.StatusOK, (<-inFlight).Status)
	wait := <-waiting
	require.Equal(t, http.StatusAccepted, wait.Status, "a wait that ends early is not an error")
	require.Equal(t, "1", wait.Header.Get("Retry-After"))
	require.NoError(t, <-g.Done)
	require.Less(t, time.Since(begin), 30*time.Second)
	return "readyz 503 at once, the call 200, the wait 202 with Retry-After, an ordered shutdown after " + time.Since(begin).String()
}

func requestsDuringShutdown(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	g.Upstream.Handle("CountWorkflowExecutions", upstreamtest.Hang) // keeps a request in flight after the delay
	go func() { _, _ = g.Send(t.Context(), http.MethodGet, countPath, "") }()
	synctest.Wait()
	g.Stop()
	time.Sleep(2 * time.Second) // of the delay of 5 s
	during := get("/v1/system-info").Send(t, g)
	require.Equal(t, http.StatusOK, during.Status)
	require.True(t, during.Close)
	time.Sleep(4 * time.Second) // until after the delay
	after := get("/v1/system-info").Send(t, g)
	require.Equal(t, http.StatusServiceUnavailable, after.Status)
	requireWellFormed(t, after, "draining")
	require.True(t, after.Close)
	require.NoError(t, <-g.Done)
	return "200 during the delay, 503 draining after it, both with Connection: close"
}

func invalidConfiguration(t *testing.T, _ *servertest.Gateway) string {
	t.Helper()
	cfg := config.Default()
	cfg.Upstream.Address = "temporal.example:7233"
	cfg.Upstream.Credential = config.Credential{Mode: config.CredentialStatic, File: "absent"}
	cfg.CORS.Origins = []string{"*"}
	cfg.Listen.TrustedProxies = []string{"0.0.0.0/0"}
	err := cfg.Validate()
	require.Error(t, err)
	for _, path := range []string{
		"auth: no authentication configured", "upstream.credential: would be sent without TLS", "upstream.credential.file: the file cannot be read",
		"cors.origins[0]: must be one origin", "listen.trustedProxies[0]: must not match every address",
	} {
		require.ErrorContains(t, err, path)
	}
	_, err = config.Load(config.LoadOptions{Environ: []string{"FLOWGATE_AUTH_INSECURE_ANONYMOUS=true", "FLOWGATE_NOTHING=1"}})
	require.ErrorContains(t, err, "FLOWGATE_NOTHING")
	return "every problem is reported at once, with its path"
}

// stalledReader requests an NDJSON list that has no end, and reads only the status line of the response.
func stalledReader(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	page := &workflowservice.ListWorkflowExecutionsResponse{NextPageToken: []byte("more")}
	for range 1000 {
		page.Executions = append(page.Executions, &workflow.WorkflowExecutionInfo{TaskQueue: strings.Repeat("q", 1000)})
	}
	g.Upstream.Handle("ListWorkflowExecutions", upstreamtest.Respond(page))
	conn, err := g.Listener.Dial(t.Context())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: g\r\nAccept: application/x-ndjson\r\nAuthorization: Bearer %s\r\n\r\n", servertest.WorkflowsPath, servertest.WriterKey)
	require.NoError(t, err)
	head, err := bufio.NewReaderSize(conn, 16).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, head, "200 OK")
	took := servertest.Elapsed(func() {
		for !strings.Contains(g.Log.String(), `"msg":"request"`) {
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
		}
	})
	require.InDelta(t, 30, took.Seconds(), 1, "the default timeout of a write")
	calls := len(g.Upstream.Calls("ListWorkflowExecutions"))
	time.Sleep(time.Minute)
	require.Len(t, g.Upstream.Calls("ListWorkflowExecutions"), calls, "no more pages are fetched")
	require.Contains(t, g.AdminText(t, "/metrics"), `flowgate_in_flight{kind="read"} 0`)
	return "disconnected " + took.Round(time.Second).String() + " after it stopped reading; no more pages are fetched"
}
