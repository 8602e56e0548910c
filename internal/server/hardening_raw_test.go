package server_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// hostileBytesRow is a row of the hardening table about bytes that no client library would send. The test sends them
// over a TCP connection.
type hostileBytesRow struct {
	number int
	name   string
	act    func(t *testing.T, s *tcpGateway) string
}

func (row hostileBytesRow) run(t *testing.T) {
	t.Helper()
	t.Logf("case %d, %s: %s", row.number, row.name, row.act(t, startTCP(t, nil)))
}

// tcpGateway is a gateway that listens on a TCP port.
type tcpGateway struct {
	*servertest.Gateway
	address string
}

func startTCP(t *testing.T, configure func(*config.Config)) *tcpGateway {
	t.Helper()
	public, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed by the gateway
	require.NoError(t, err)
	s := &tcpGateway{address: public.Addr().String()}
	s.Gateway = servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) {
		cfg.Listen.DrainDelay = 0 // the test runs in real time
		if configure != nil {
			configure(cfg)
		}
	}, Public: public, Dial: func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", s.address)
	}})
	return s
}

// The timeout and the interval of checks that wait in real time.
const (
	waitTimeout  = 10 * time.Second
	waitInterval = time.Millisecond
)

// send sends bytes on a new connection. It returns the first response, and whether the response announces that the
// gateway closes the connection.
func (s *tcpGateway) send(t *testing.T, text string) (servertest.Response, bool) {
	t.Helper()
	conn, err := net.Dial("tcp", s.address) //nolint:noctx // has a deadline
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(t, conn.SetDeadline(time.Now().Add(waitTimeout)))
	_, _ = io.WriteString(conn, text) // fails if the gateway closes the connection early
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	require.NoError(t, err)
	resp := servertest.ReadResponse(t, response)
	return resp, resp.Close
}

// requestHead returns the request line and the headers of a request with WriterKey, without the empty line that ends
// them.
func requestHead(method, target string, headers ...string) string {
	return method + " " + target + " HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer " + servertest.WriterKey + "\r\n" +
		strings.Join(append(headers, ""), "\r\n")
}

// hostileBytes returns the cases about bytes that no client library would send.
func hostileBytes() []hostileBytesRow {
	// byNetHTTP returns a row in which net/http responds before any handler runs.
	byNetHTTP := func(number int, name string, status int, text string) hostileBytesRow {
		return hostileBytesRow{number, name, func(t *testing.T, s *tcpGateway) string {
			t.Helper()
			resp, closed := s.send(t, text)
			require.Equal(t, status, resp.Status, resp.Body)
			require.True(t, closed)
			require.Empty(t, resp.Header.Get("X-Request-Id"), "no handler has run")
			return fmt.Sprintf("%d, no handler runs", resp.Status)
		}}
	}
	rejected := func(number int, name string, status int, code, text string, closes bool) hostileBytesRow {
		return hostileBytesRow{number, name, func(t *testing.T, s *tcpGateway) string {
			t.Helper()
			resp, closed := s.send(t, text)
			require.Equal(t, status, resp.Status, resp.Body)
			requireWellFormed(t, resp, code)
			if closes {
				require.True(t, closed)
			}
			require.Empty(t, s.Upstream.Calls("StartWorkflowExecution"))
			return fmt.Sprintf("%d %s, 0 upstream calls", resp.Status, code)
		}}
	}
	info := func(headers ...string) string { return requestHead("GET", "/v1/system-info", headers...) + "\r\n" }
	body := func(header, text string) string {
		return requestHead("POST", servertest.WorkflowsPath, "Content-Type: application/json", header) + "\r\n" + text
	}
	const chunked = "Transfer-Encoding: chunked"
	const closes, mayStayOpen = true, false // the connection, after the response
	tooLarge := strings.Repeat(" ", 4<<20+1)
	return []hostileBytesRow{
		byNetHTTP(8, "a token of 40 KiB", 431, "GET /v1/system-info HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer "+
			strings.Repeat("a", 40<<10)+"\r\n\r\n"),
		{32, "another host in absolute form", absoluteForm},
		byNetHTTP(33, "two Host headers", 400, info("Host: other")),
		byNetHTTP(33, "NUL in a header", 400, info("X-A: a\x00b")),
		byNetHTTP(33, "two lengths", 400, body("Content-Length: 2\r\nContent-Length: 3", "{} ")),
		byNetHTTP(33, "a signed length", 400, body("Content-Length: +2", "{}")),
		byNetHTTP(33, "a space before the colon", 400, body("Transfer-Encoding : chunked", "0\r\n\r\n")),
		byNetHTTP(33, "a name with a space", 400, info("X A: b")),
		byNetHTTP(34, "an unknown coding", 501, body("Transfer-Encoding: xchunked", "0\r\n\r\n")),
		byNetHTTP(34, "two codings", 501, body("Transfer-Encoding: chunked, identity", "0\r\n\r\n")),
		rejected(35, "a bare line feed after a chunk size", 400, "invalid-request", body(chunked, "2\n{}\r\n0\r\n\r\n"), closes),
		rejected(35, "a chunk size that overflows", 400, "invalid-request", body(chunked, "fffffffffffffffff\r\n{}\r\n0\r\n\r\n"), closes),
		rejected(35, "an invalid chunk size", 400, "invalid-request", body(chunked, "zz\r\n{}\r\n0\r\n\r\n"), closes),
		{35, "a truncated chunk", truncatedChunk},
		byNetHTTP(36, "headers of 40 KiB", 431, info("X-A: "+strings.Repeat("a", 40<<10))),
		byNetHTTP(36, "a URL of 40 KiB", 431, requestHead("GET", "/"+strings.Repeat("a", 40<<10))+"\r\n"),
		{37, "a head that does not end", slowHead},
		{38, "a body that does not end", slowBody},
		rejected(39, "one byte too many, by Content-Length", 413, "payload-too-large", body(fmt.Sprintf("Content-Length: %d", len(tooLarge)), tooLarge), closes),
		rejected(39, "one byte too many, in chunks", 413, "payload-too-large",
			body(chunked, fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(tooLarge), tooLarge)), closes),
		{39, "a Content-Length too large, before the body", largeLength},
		rejected(51, "CONNECT", 405, "method-not-allowed", "CONNECT gateway:80 HTTP/1.1\r\nHost: gateway:80\r\n\r\n", mayStayOpen),
		rejected(51, "OPTIONS *", 400, "invalid-path", "OPTIONS * HTTP/1.1\r\nHost: gateway\r\n\r\n", mayStayOpen),
		{78, "streams opened and reset", resetFlood},
		{78, "headers without an end", continuationFlood},
		{78, "10,000 settings", settingsFlood},
	}
}

func absoluteForm(t *testing.T, _ *tcpGateway) string {
	t.Helper()
	s := startTCP(t, func(cfg *config.Config) { cfg.Listen.Hosts = []string{"gateway"} })
	resp, _ := s.send(t, requestHead("GET", "http://evil.example/v1/system-info")+"\r\n")
	require.Equal(t, http.StatusMisdirectedRequest, resp.Status)
	requireWellFormed(t, resp, "misdirected-request")
	resp, _ = s.send(t, requestHead("GET", "/v1/system-info")+"\r\n")
	require.Equal(t, http.StatusOK, resp.Status, resp.Body)
	return "421 misdirected-request, regardless of the Host header"
}

func truncatedChunk(t *testing.T, s *tcpGateway) string {
	t.Helper()
	conn, err := net.Dial("tcp", s.address) //nolint:noctx // has a deadline
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(t, conn.SetDeadline(time.Now().Add(waitTimeout)))
	_, err = io.WriteString(conn, requestHead("POST", servertest.WorkflowsPath, "Content-Type: application/json", "Transfer-Encoding: chunked")+"\r\nff\r\n{}")
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite()) //nolint:forcetypeassert // the network is tcp
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	resp := servertest.ReadResponse(t, response)
	require.Equal(t, http.StatusBadRequest, resp.Status)
	requireWellFormed(t, resp, "invalid-request")
	require.Empty(t, s.Upstream.Calls("StartWorkflowExecution"))
	return "400 invalid-request, 0 upstream calls"
}

// sendIncomplete sends a request that never ends, in virtual time. It returns the response, and the time until the
// gateway closes the connection.
func sendIncomplete(t *testing.T, text string) (response string, took time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		conn, err := g.Listener.Dial(t.Context())
		require.NoError(t, err)
		defer func() { _ = conn.Close() }()
		_, err = io.WriteString(conn, text)
		require.NoError(t, err)
		var all []byte
		took = servertest.Elapsed(func() { all, err = io.ReadAll(conn) })
		require.NoError(t, err)
		require.Empty(t, g.Upstream.Calls("StartWorkflowExecution"))
		require.Equal(t, len(all) > 0, strings.Contains(g.Log.String(), `"msg":"request"`), "only a request with complete headers reaches a handler")
		response = string(all)
	})
	return response, took
}

func slowHead(t *testing.T, _ *tcpGateway) string {
	t.Helper()
	response, took := sendIncomplete(t, "GET /v1/system-info HTTP/1.1\r\nHost: g\r\nX-Slow: ")
	require.Empty(t, response)
	require.Equal(t, 5*time.Second, took, "listen.timeouts.readHeader")
	return "closed after " + took.String()
}

func slowBody(t *testing.T, _ *tcpGateway) string {
	t.Helper()
	response, took := sendIncomplete(t, requestHead("POST", servertest.WorkflowsPath, "Content-Type: application/json", "Content-Length: 100")+"\r\n{")
	require.Contains(t, response, "408 Request Timeout")
	require.Contains(t, response, "Connection: close")
	require.Contains(t, response, `"code":"request-timeout"`)
	require.Equal(t, 5*time.Second, took, "the body arrives below the minimum rate")
	return "408 request-timeout after " + took.String() + ", 0 upstream calls"
}

// largeLength sends a Content-Length and no body. The response must not wait for the body.
func largeLength(t *testing.T, s *tcpGateway) string {
	t.Helper()
	resp, _ := s.send(t, requestHead("POST", servertest.WorkflowsPath, "Content-Type: application/json", "Content-Length: 4194305")+"\r\n")
	require.Equal(t, http.StatusRequestEntityTooLarge, resp.Status)
	requireWellFormed(t, resp, "payload-too-large")
	return "413 payload-too-large without reading the body"
}

// flood calls frames, which sends HTTP/2 frames, n times or until the gateway closes the connection. It then checks the
// memory of the process.
func flood(t *testing.T, s *tcpGateway, n int, frames func(i int, framer *http2.Framer) error) (closed bool, summary string) {
	t.Helper()
	before := heap()
	conn, err := net.Dial("tcp", s.address) //nolint:noctx // has a deadline
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(t, conn.SetDeadline(time.Now().Add(2*waitTimeout)))
	_, err = io.WriteString(conn, http2.ClientPreface)
	require.NoError(t, err)
	framer := http2.NewFramer(conn, nil)
	require.NoError(t, framer.WriteSettings())
	sent := 0
	for err == nil && sent < n {
		err = frames(sent, framer)
		sent++
	}
	var netErr net.Error
	require.False(t, errors.As(err, &netErr) && netErr.Timeout(), "the gateway neither reads nor closes the connection")
	// Parallel tests use memory too, but only for a short time.
	const timeout, interval = 30 * time.Second, 500 * time.Millisecond
	require.Eventually(t, func() bool { return heap() < before+32<<20 }, timeout, interval, "memory is bounded")
	resp, _ := s.send(t, requestHead("GET", "/v1/system-info")+"\r\n")
	require.Equal(t, http.StatusOK, resp.Status, "other requests are served")
	return err != nil, fmt.Sprintf("%d sent, connection closed: %t; memory is bounded, others are served", sent, err != nil)
}

// headerBlock returns the headers of a request, encoded by HPACK.
func headerBlock(t *testing.T) []byte {
	t.Helper()
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range [][2]string{
		{":method", "GET"}, {":scheme", "http"}, {":authority", "gateway"}, {":path", countPath}, {"authorization", "Bearer " + servertest.WriterKey},
	} {
		require.NoError(t, encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}))
	}
	return block.Bytes()
}

func resetFlood(t *testing.T, s *tcpGateway) string {
	t.Helper()
	s.Upstream.Handle("CountWorkflowExecutions", upstreamtest.Hang)
	block := headerBlock(t)
	_, summary := flood(t, s, 20_000, func(i int, framer *http2.Framer) error {
		id := uint32(2*i + 1) //nolint:gosec // i is small
		err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block, EndStream: true, EndHeaders: true})
		return errors.Join(err, framer.WriteRSTStream(id, http2.ErrCodeCancel))
	})
	return summary
}

func continuationFlood(t *testing.T, s *tcpGateway) string {
	t.Helper()
	block := headerBlock(t)
	closed, summary := flood(t, s, 20_000, func(i int, framer *http2.Framer) error {
		if i == 0 {
			return framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block})
		}
		return framer.WriteContinuation(1, false, bytes.Repeat([]byte{0x82}, 4<<10)) // :method, repeated
	})
	require.True(t, closed)
	return summary
}

func settingsFlood(t *testing.T, s *tcpGateway) string {
	t.Helper()
	_, summary := flood(t, s, 10_000, func(_ int, framer *http2.Framer) error {
		return framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 16})
	})
	return summary
}

// heap returns the size of the heap in use, in bytes.
func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapInuse
}
