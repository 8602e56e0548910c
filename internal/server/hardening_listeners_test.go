package server_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// hostileListeners returns the cases about request smuggling, and about requests to the admin listener with an
// attacker's host name.
func hostileListeners() []hostile {
	const both = "Content-Length: 4\r\nTransfer-Encoding: chunked" // the two headers contradict each other
	smuggling := func(name, version, methodAndPath, body string, headers ...string) hostile {
		return hostile{number: 92, name: name, act: func(t *testing.T, g *servertest.Gateway) string {
			t.Helper()
			return smuggled(t, g, methodAndPath+" "+version+"\r\nHost: gateway\r\nAuthorization: Bearer "+servertest.WriterKey+"\r\n"+
				"Content-Type: application/json\r\n"+strings.Join(headers, "\r\n")+"\r\n\r\n"+body)
		}}
	}
	start := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(servertest.StartBody("")), servertest.StartBody(""))
	const empty, http10, http11 = "0\r\n\r\n", "HTTP/1.0", "HTTP/1.1"
	return []hostile{
		smuggling("Content-Length before Transfer-Encoding", http11, "POST "+servertest.WorkflowsPath, start, both),
		smuggling("Content-Length after Transfer-Encoding", http11, "POST "+servertest.WorkflowsPath, start, "Transfer-Encoding: chunked", "Content-Length: 4"),
		smuggling("both, to a route without a body", http11, "GET /v1/system-info", empty, both),
		smuggling("both, to the Temporal HTTP API", http11, "GET /api/v1/system-info", empty, both),
		smuggling("both, to a probe", http11, "GET /livez", empty, both),
		smuggling("both, to an unknown route", http11, "POST /nothing", empty, both),
		smuggling("Transfer-Encoding in HTTP/1.0", http10, "GET /v1/system-info", empty, "Connection: keep-alive", "Transfer-Encoding: chunked"),
		smuggling("both in HTTP/1.0", http10, "GET /v1/system-info", empty, "Connection: keep-alive", "Content-Length: 5", "Transfer-Encoding: chunked"),
		{number: 92, name: "Content-Length alone keeps the connection", act: lengthKeepsConnection},
		{
			number: 96, name: "host names on the admin listener", act: adminHosts,
			configure: func(cfg *config.Config) { cfg.Listen.AdminHosts = []string{"Metrics.example"} },
		},
		{number: 96, name: "the admin listener's default address", act: adminAddress},
	}
}

// smuggled sends a request whose end is ambiguous, and a second request that a proxy may have forwarded as a part of
// the first request's body.
func smuggled(t *testing.T, g *servertest.Gateway, first string) string {
	t.Helper()
	g.Upstream.Handle("StartWorkflowExecution", upstreamtest.Respond(&workflowservice.StartWorkflowExecutionResponse{RunId: "r", Started: true}))
	respondWithCount(g, 1)
	conn, err := g.Listener.Dial(t.Context())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	second := "GET " + countPath + " HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer " + servertest.WriterKey + "\r\nConnection: close\r\n\r\n"
	go func() { _, _ = io.WriteString(conn, first+second) }() // fails when the gateway closes the connection
	all, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(all), "HTTP/1."), "responses: %s", all)
	require.Contains(t, string(all), "Connection: close\r\n")
	require.Empty(t, g.Upstream.Calls("CountWorkflowExecutions"), "the second request must not be served")
	status, _, _ := strings.Cut(string(all), "\r\n")
	return status + ", connection closed, the second request is not served"
}

// lengthKeepsConnection requires that ordinary requests do not close their connection.
func lengthKeepsConnection(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://gateway"+servertest.WorkflowsPath, strings.NewReader("{}"))
		require.NoError(t, err)
		client := g.Client
		if version == "HTTP/2.0" {
			client = http2Client(g)
			request.ContentLength = -1 // in HTTP/2, a flag of the last frame ends the body
		}
		response, err := client.Do(request)
		require.NoError(t, err)
		resp := servertest.ReadResponse(t, response)
		require.Equal(t, version, response.Proto)
		require.Equal(t, http.StatusUnauthorized, resp.Status)
		require.False(t, resp.Close, version)
		client.CloseIdleConnections()
	}
	return "connections are kept"
}

// http2Client returns a client for HTTP/2 without TLS.
func http2Client(g *servertest.Gateway) *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return g.Listener.Dial(ctx) },
		Protocols:   protocols,
	}}
}

func adminHosts(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	for host, status := range map[string]int{
		"localhost": 200, "LOCALHOST:8081": 200, "127.0.0.1:8081": 200, "10.1.2.3": 200, "[::1]:8081": 200, "[fe80::1]": 200,
		"metrics.example:8081": 200,
		"evil.example":         421, "evil.example:8081": 421, "localhost.evil.example": 421, "127.0.0.1.evil.example": 421, "metrics.example.": 421, "": 421,
	} {
		for _, path := range []string{"/livez", "/readyz", "/metrics", "/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof/heap"} {
			conn, err := g.AdminListener.Dial(t.Context())
			require.NoError(t, err)
			_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host)
			require.NoError(t, err)
			text, err := io.ReadAll(conn)
			require.NoError(t, err)
			require.Contains(t, string(text[:15]), strconv.Itoa(status), "%q %s", host, path)
			require.Equal(t, status == http.StatusMisdirectedRequest, strings.Contains(string(text), `"code":"misdirected-request"`))
			require.NoError(t, conn.Close())
		}
	}
	return "421 misdirected-request, except for addresses, localhost and listen.adminHosts"
}

func adminAddress(t *testing.T, _ *servertest.Gateway) string {
	t.Helper()
	address, err := netip.ParseAddrPort(config.Default().Listen.Admin)
	require.NoError(t, err)
	require.True(t, address.Addr().IsLoopback())
	return address.String()
}
