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

// hostileBytesRow is a row about the bytes of a connection, which no client
// library would send. It is sent over a real socket.
type hostileBytesRow struct {
	number int
	name   string
	act    func(t *testing.T, s *socket) string
}

func (row hostileBytesRow) run(t *testing.T) {
	t.Helper()
	t.Logf("case %d, %s: %s", row.number, row.name, row.act(t, newSocket(t, nil)))
}

// socket is a gateway that listens on a real socket.
type socket struct {
	*servertest.Gateway
	address string
}

func newSocket(t *testing.T, configure func(*config.Config)) *socket {
	t.Helper()
	public, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed by the gateway
	require.NoError(t, err)
	s := &socket{address: public.Addr().String()}
	s.Gateway = servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) {
		cfg.Listen.DrainDelay = 0 // this one lives in real time
		if configure != nil {
			configure(cfg)
		}
	}, Public: public, Dial: func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", s.address)
	}})
	return s
}

// Only what is stuck takes as long.
const (
	stuck = 10 * time.Second
	tick  = time.Millisecond
)

// say writes bytes on a new connection, and reads the first answer, if any, and
// whether the connection is closed after it.
func (s *socket) say(t *testing.T, text string) (servertest.Response, bool) {
	t.Helper()
	conn, err := net.Dial("tcp", s.address) //nolint:noctx // has a deadline
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(t, conn.SetDeadline(time.Now().Add(stuck)))
	_, _ = io.WriteString(conn, text) // the gateway may stuck up in the middle
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	require.NoError(t, err)
	a := servertest.ReadResponse(t, response)
	return a, a.Close
}

// line begins a request as the writer.
func line(method, target string, headers ...string) string {
	return method + " " + target + " HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer " + servertest.WriterKey + "\r\n" +
		strings.Join(append(headers, ""), "\r\n")
}

// hostileBytes are the cases about bytes.
func hostileBytes() []hostileBytesRow {
	// before are those that net/http answers for, in plain text, before any
	// handler runs.
	before := func(number int, name string, status int, text string) hostileBytesRow {
		return hostileBytesRow{number, name, func(t *testing.T, s *socket) string {
			t.Helper()
			a, closed := s.say(t, text)
			require.Equal(t, status, a.Status, a.Body)
			require.True(t, closed)
			require.Empty(t, a.Header.Get("X-Request-Id"), "no handler has run")
			return fmt.Sprintf("%d, no handler runs", a.Status)
		}}
	}
	refused := func(number int, name string, status int, code, text string, closes bool) hostileBytesRow {
		return hostileBytesRow{number, name, func(t *testing.T, s *socket) string {
			t.Helper()
			a, closed := s.say(t, text)
			require.Equal(t, status, a.Status, a.Body)
			requireForm(t, a, code)
			if closes {
				require.True(t, closed)
			}
			require.Empty(t, s.Upstream.Calls("StartWorkflowExecution"))
			return fmt.Sprintf("%d %s, 0 upstream calls", a.Status, code)
		}}
	}
	info := func(headers ...string) string { return line("GET", "/v1/system-info", headers...) + "\r\n" }
	body := func(header, text string) string {
		return line("POST", servertest.WorkflowsPath, "Content-Type: application/json", header) + "\r\n" + text
	}
	const chunked = "Transfer-Encoding: chunked"
	over := strings.Repeat(" ", 4<<20+1)
	return []hostileBytesRow{
		before(8, "a token of 20 KiB", 431, "GET /v1/system-info HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer "+
			strings.Repeat("a", 40<<10)+"\r\n\r\n"),
		{32, "another host in absolute form", absoluteForm},
		before(33, "two Host headers", 400, info("Host: other")),
		before(33, "NUL in a header", 400, info("X-A: a\x00b")),
		before(33, "two lengths", 400, body("Content-Length: 2\r\nContent-Length: 3", "{} ")),
		before(33, "a signed length", 400, body("Content-Length: +2", "{}")),
		before(33, "a space before the colon", 400, body("Transfer-Encoding : chunked", "0\r\n\r\n")),
		before(33, "a name with a space", 400, info("X A: b")),
		before(34, "an unknown coding", 501, body("Transfer-Encoding: xchunked", "0\r\n\r\n")),
		before(34, "two codings", 501, body("Transfer-Encoding: chunked, identity", "0\r\n\r\n")),
		refused(35, "a bare line feed after a chunk's size", 400, "invalid-request", body(chunked, "2\n{}\r\n0\r\n\r\n"), true),
		refused(35, "a chunk's size that overflows", 400, "invalid-request", body(chunked, "fffffffffffffffff\r\n{}\r\n0\r\n\r\n"), true),
		refused(35, "a chunk that is no chunk", 400, "invalid-request", body(chunked, "zz\r\n{}\r\n0\r\n\r\n"), true),
		{35, "a chunk that breaks off", truncatedChunk},
		before(36, "headers of 40 KiB", 431, info("X-A: "+strings.Repeat("a", 40<<10))),
		before(36, "a URL of 40 KiB", 431, line("GET", "/"+strings.Repeat("a", 40<<10))+"\r\n"),
		{37, "a head that does not end", slowHead},
		{38, "a body that does not end", slowBody},
		refused(39, "one byte too many, told", 413, "payload-too-large", body(fmt.Sprintf("Content-Length: %d", len(over)), over), true),
		refused(39, "one byte too many, in chunks", 413, "payload-too-large",
			body(chunked, fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(over), over)), true),
		{39, "a length too large, before the body", lengthAlone},
		refused(51, "CONNECT", 405, "method-not-allowed", "CONNECT gateway:80 HTTP/1.1\r\nHost: gateway:80\r\n\r\n", false),
		refused(51, "OPTIONS of everything", 400, "invalid-path", "OPTIONS * HTTP/1.1\r\nHost: gateway\r\n\r\n", false),
		{78, "streams opened and reset", resetFlood},
		{78, "headers without an end", continuationFlood},
		{78, "10,000 settings", settingsFlood},
	}
}

func absoluteForm(t *testing.T, _ *socket) string {
	t.Helper()
	s := newSocket(t, func(cfg *config.Config) { cfg.Listen.Hosts = []string{"gateway"} })
	a, _ := s.say(t, line("GET", "http://evil.example/v1/system-info")+"\r\n")
	require.Equal(t, http.StatusMisdirectedRequest, a.Status)
	requireForm(t, a, "misdirected-request")
	a, _ = s.say(t, line("GET", "/v1/system-info")+"\r\n")
	require.Equal(t, http.StatusOK, a.Status, a.Body)
	return "421 misdirected-request, whatever the Host header says"
}

func truncatedChunk(t *testing.T, s *socket) string {
	t.Helper()
	conn, err := net.Dial("tcp", s.address) //nolint:noctx // has a deadline
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(t, conn.SetDeadline(time.Now().Add(stuck)))
	_, err = io.WriteString(conn, line("POST", servertest.WorkflowsPath, "Content-Type: application/json", "Transfer-Encoding: chunked")+"\r\nff\r\n{}")
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite()) //nolint:forcetypeassert // it was dialled as one
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	a := servertest.ReadResponse(t, response)
	require.Equal(t, http.StatusBadRequest, a.Status)
	requireForm(t, a, "invalid-request")
	require.Empty(t, s.Upstream.Calls("StartWorkflowExecution"))
	return "400 invalid-request, 0 upstream calls"
}

// slowly writes what never ends in a bubble, where time is free, and gives all
// that comes back.
func slowly(t *testing.T, text string) (answer string, took time.Duration) {
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
		require.Equal(t, len(all) > 0, strings.Contains(g.Log.String(), `"msg":"request"`), "no handler runs without a head")
		answer = string(all)
	})
	return answer, took
}

func slowHead(t *testing.T, _ *socket) string {
	t.Helper()
	answer, took := slowly(t, "GET /v1/system-info HTTP/1.1\r\nHost: g\r\nX-Slow: ")
	require.Empty(t, answer)
	require.Equal(t, 5*time.Second, took)
	return "closed after " + took.String()
}

func slowBody(t *testing.T, _ *socket) string {
	t.Helper()
	answer, took := slowly(t, line("POST", servertest.WorkflowsPath, "Content-Type: application/json", "Content-Length: 100")+"\r\n{")
	require.Contains(t, answer, "408 Request Timeout")
	require.Contains(t, answer, "Connection: close")
	require.Contains(t, answer, `"code":"request-timeout"`)
	require.Equal(t, 5*time.Second, took, "it falls below the least rate")
	return "408 request-timeout after " + took.String() + ", 0 upstream calls"
}

// lengthAlone declares a length and sends no body: the response must not wait.
func lengthAlone(t *testing.T, s *socket) string {
	t.Helper()
	a, _ := s.say(t, line("POST", servertest.WorkflowsPath, "Content-Type: application/json", "Content-Length: 4194305")+"\r\n")
	require.Equal(t, http.StatusRequestEntityTooLarge, a.Status)
	requireForm(t, a, "payload-too-large")
	return "413 payload-too-large without reading the body"
}

// flood speaks HTTP/2 for a while, or until the gateway hangs up, and holds it
// to its memory.
func flood(t *testing.T, s *socket, times int, frames func(i int, framer *http2.Framer) error) (closed bool, said string) {
	t.Helper()
	before := heap()
	conn, err := net.Dial("tcp", s.address) //nolint:noctx // has a deadline
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(t, conn.SetDeadline(time.Now().Add(2*stuck)))
	_, err = io.WriteString(conn, http2.ClientPreface)
	require.NoError(t, err)
	framer := http2.NewFramer(conn, nil)
	require.NoError(t, framer.WriteSettings())
	sent := 0
	for err == nil && sent < times {
		err = frames(sent, framer)
		sent++
	}
	var timeout net.Error
	require.False(t, errors.As(err, &timeout) && timeout.Timeout(), "the gateway neither reads on nor hangs up")
	// The tests beside this one use memory too, but not for long; what the gateway holds for the flood it still holds.
	const patience, pause = 30 * time.Second, 500 * time.Millisecond
	require.Eventually(t, func() bool { return heap() < before+32<<20 }, patience, pause, "memory is bounded")
	a, _ := s.say(t, line("GET", "/v1/system-info")+"\r\n")
	require.Equal(t, http.StatusOK, a.Status, "others are served")
	return err != nil, fmt.Sprintf("%d sent, connection closed: %t; memory is bounded, others are served", sent, err != nil)
}

// fields are the fields of a request in HPACK.
func fields(t *testing.T) []byte {
	t.Helper()
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range [][2]string{
		{":method", "GET"}, {":scheme", "http"}, {":authority", "gateway"}, {":path", count}, {"authorization", "Bearer " + servertest.WriterKey},
	} {
		require.NoError(t, encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}))
	}
	return block.Bytes()
}

func resetFlood(t *testing.T, s *socket) string {
	t.Helper()
	s.Upstream.Handle("CountWorkflowExecutions", upstreamtest.Hang)
	block := fields(t)
	_, said := flood(t, s, 20_000, func(i int, framer *http2.Framer) error {
		id := uint32(2*i + 1) //nolint:gosec // far below
		err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block, EndStream: true, EndHeaders: true})
		return errors.Join(err, framer.WriteRSTStream(id, http2.ErrCodeCancel))
	})
	return said
}

func continuationFlood(t *testing.T, s *socket) string {
	t.Helper()
	block := fields(t)
	closed, said := flood(t, s, 20_000, func(i int, framer *http2.Framer) error {
		if i == 0 {
			return framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block})
		}
		return framer.WriteContinuation(1, false, bytes.Repeat([]byte{0x82}, 4<<10)) // :method, again and again
	})
	require.True(t, closed)
	return said
}

func settingsFlood(t *testing.T, s *socket) string {
	t.Helper()
	_, said := flood(t, s, 10_000, func(_ int, framer *http2.Framer) error {
		return framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 16})
	})
	return said
}

// heap is the memory in use, in bytes.
func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapInuse
}
