package server_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// hostileListeners are requests that another parser ends elsewhere.
func hostileListeners() []hostile {
	const both = "Content-Length: 4\r\nTransfer-Encoding: chunked"
	smuggling := func(name, version, target, body string, headers ...string) hostile {
		return hostile{number: 92, name: name, act: func(t *testing.T, g *gateway) string {
			t.Helper()
			return smuggled(t, g, target+" "+version+"\r\nHost: gateway\r\nAuthorization: Bearer "+writerKey+"\r\n"+
				"Content-Type: application/json\r\n"+strings.Join(headers, "\r\n")+"\r\n\r\n"+body)
		}}
	}
	start := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(start1("")), start1(""))
	const empty, http10, http11 = "0\r\n\r\n", "HTTP/1.0", "HTTP/1.1"
	return []hostile{
		smuggling("Content-Length before Transfer-Encoding", http11, "POST "+workflows, start, both),
		smuggling("Content-Length after Transfer-Encoding", http11, "POST "+workflows, start, "Transfer-Encoding: chunked", "Content-Length: 4"),
		smuggling("both, to what has no body", http11, "GET /v1/system-info", empty, both),
		smuggling("both, to the Temporal HTTP API", http11, "GET /api/v1/system-info", empty, both),
		smuggling("both, to a probe", http11, "GET /livez", empty, both),
		smuggling("both, to no route", http11, "POST /nothing", empty, both),
		smuggling("Transfer-Encoding in HTTP/1.0", http10, "GET /v1/system-info", empty, "Connection: keep-alive", "Transfer-Encoding: chunked"),
		smuggling("both in HTTP/1.0", http10, "GET /v1/system-info", empty, "Connection: keep-alive", "Content-Length: 5", "Transfer-Encoding: chunked"),
		{number: 92, name: "Content-Length alone keeps the connection", act: lengthKeepsConnection},
	}
}

// smuggled sends a request with a body in chunks, and a second request that a
// proxy may have taken for a part of the first one's body.
func smuggled(t *testing.T, g *gateway, first string) string {
	t.Helper()
	g.upstream.Handle("StartWorkflowExecution", upstreamtest.Answer(&workflowservice.StartWorkflowExecutionResponse{RunId: "r", Started: true}))
	countsTo(g, 1)
	conn, err := g.listener.dial(t.Context())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	second := "GET " + count + " HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer " + writerKey + "\r\nConnection: close\r\n\r\n"
	go func() { _, _ = io.WriteString(conn, first+second) }() // until the gateway closes the connection
	all, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(all), "HTTP/1."), "responses: %s", all)
	require.Contains(t, string(all), "Connection: close\r\n")
	require.Empty(t, g.upstream.Calls("CountWorkflowExecutions"), "the second request was served")
	status, _, _ := strings.Cut(string(all), "\r\n")
	return status + ", connection closed, the second request is not served"
}

// lengthKeepsConnection holds the gateway to what ordinary callers need.
func lengthKeepsConnection(t *testing.T, g *gateway) string {
	t.Helper()
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://gateway"+workflows, strings.NewReader("{}"))
		require.NoError(t, err)
		client := g.client
		if version == "HTTP/2.0" {
			client = http2Client(g)
			request.ContentLength = -1 // frames end the body here, and no header does
		}
		response, err := client.Do(request)
		require.NoError(t, err)
		a := read(t, response)
		require.Equal(t, version, response.Proto)
		require.Equal(t, http.StatusUnauthorized, a.status)
		require.False(t, a.closes, version)
		client.CloseIdleConnections()
	}
	return "connections are kept"
}

// http2Client speaks HTTP/2 without TLS.
func http2Client(g *gateway) *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return g.listener.dial(ctx) },
		Protocols:   protocols,
	}}
}
