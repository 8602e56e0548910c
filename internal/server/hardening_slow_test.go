package server_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// The gateway aborts a response that is read at less than 32 KiB a second on average, after listen.timeouts.write (30
// seconds), and every response at the end of the request budget (58 seconds).

// largeMB is the size of a large response in megabytes. It must be too large to be read at 64 KiB a second within the
// request budget.
const largeMB = 6

const temporalWorkflowsPath = "/api/v1/namespaces/default/workflows"

// serveLargeList makes the upstream respond to lists with n megabytes of workflows.
func serveLargeList(t *testing.T, g *servertest.Gateway, n int) {
	t.Helper()
	page := &workflowservice.ListWorkflowExecutionsResponse{}
	for range n << 10 {
		page.Executions = append(page.Executions, &workflow.WorkflowExecutionInfo{
			Type: &common.WorkflowType{Name: strings.Repeat("x", 1<<10)},
		})
	}
	wire, err := proto.Marshal(page)
	require.NoError(t, err)
	g.Upstream.Handle("ListWorkflowExecutions", func(context.Context, []byte) ([]byte, error) { return wire, nil })
}

// openRequest sends a raw request on a new connection and reads nothing.
func openRequest(t *testing.T, g *servertest.Gateway, text string) net.Conn {
	t.Helper()
	conn, err := g.Listener.Dial(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = io.WriteString(conn, text)
	require.NoError(t, err)
	return conn
}

// rawGet returns a raw GET request with a key.
func rawGet(key, path string, headers ...string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer " + key + "\r\n" +
		strings.Join(append(headers, ""), "\r\n") + "\r\n"
}

// readSlowly reads n bytes every interval until the connection ends. It returns how long it has read, and the number of
// bytes.
func readSlowly(conn net.Conn, n int, interval time.Duration) (took time.Duration, got int) {
	begin, buffer := time.Now(), make([]byte, n)
	for {
		read, err := io.ReadFull(conn, buffer)
		got += read
		if err != nil {
			return time.Since(begin), got
		}
		time.Sleep(interval)
	}
}

// awaitLogLine waits until the log has n request lines. It returns the last line, and how long it has waited.
func awaitLogLine(t *testing.T, g *servertest.Gateway, n int) (line string, took time.Duration) {
	t.Helper()
	const limit = 4 * time.Hour
	begin := time.Now()
	for time.Since(begin) < limit {
		synctest.Wait()
		if lines := requestLine.FindAllString(g.Log.String(), -1); len(lines) >= n {
			return lines[len(lines)-1], time.Since(begin)
		}
		time.Sleep(100 * time.Millisecond)
	}
	require.Fail(t, "the request does not end")
	return "", 0
}

var requestLine = regexp.MustCompile(`(?m)^.*"msg":"request".*$`)

// bytesHeld returns the value of the gauge of bytes in flight. kind is "request" or "response".
func bytesHeld(t *testing.T, g *servertest.Gateway, kind string) int {
	t.Helper()
	found := regexp.MustCompile(`flowgate_in_flight_bytes{kind="` + kind + `"} (\S+)`).FindStringSubmatch(g.AdminText(t, "/metrics"))
	if found == nil {
		return 0
	}
	n, err := strconv.ParseFloat(found[1], 64)
	require.NoError(t, err)
	return int(n)
}

// slowReaders returns the cases about responses that are read slowly or not at all.
func slowReaders() []hostile {
	rows := []hostile{{number: 87, name: "30 slow readers and a fast one", act: manySlowReaders, configure: func(cfg *config.Config) {
		cfg.Limits.BytesInFlight.Responses = 64 << 20
		cfg.Limits.InFlight.CallerShare = 0.5
		cfg.Upstream.MaxResponseBytes = 64 << 20
	}}}
	for name, request := range map[string]string{
		"a list":                     rawGet(servertest.WriterKey, servertest.WorkflowsPath),
		"a list as NDJSON":           rawGet(servertest.WriterKey, servertest.WorkflowsPath, "Accept: application/x-ndjson"),
		"a list of the Temporal API": rawGet(servertest.WriterKey, temporalWorkflowsPath),
		"an indented list":           rawGet(servertest.WriterKey, temporalWorkflowsPath+"?pretty"),
		"an event stream":            rawGet(servertest.WriterKey, servertest.WorkflowsPath+"/order/history", "Accept: text/event-stream"),
		"a description":              rawGet(servertest.WriterKey, servertest.WorkflowsPath+"/w"),
	} {
		rows = append(rows, hostile{number: 87, name: name + ", not read", act: func(t *testing.T, g *servertest.Gateway) string {
			t.Helper()
			serveLargeResponses(t, g)
			openRequest(t, g, request)
			return requireCut(t, g, 30*time.Second)
		}})
	}
	return append(
		rows,
		hostile{number: 87, name: "a value in one write, read above the minimum rate", act: func(t *testing.T, g *servertest.Gateway) string {
			t.Helper()
			const size = 1_900_000
			value := &common.Payload{
				Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(`"` + strings.Repeat("x", size) + `"`),
			}
			g.Upstream.Handle("QueryWorkflow", upstreamtest.Respond(&workflowservice.QueryWorkflowResponse{
				QueryResult: &common.Payloads{Payloads: []*common.Payload{value}},
			}))
			conn := openRequest(t, g, rawGet(servertest.WriterKey, servertest.WorkflowsPath+"/w/query?query=q", "Connection: close"))
			took, got := readSlowly(conn, 4<<10, 100*time.Millisecond)
			require.Greater(t, got, size, "cut after %s", took)
			return fmt.Sprintf("%d bytes in %s", got, took.Round(time.Second))
		}},
		hostile{number: 87, name: "a list of 36 MB, not read", act: func(t *testing.T, g *servertest.Gateway) string {
			t.Helper()
			serveLargeList(t, g, 36)
			openRequest(t, g, rawGet(servertest.WriterKey, servertest.WorkflowsPath))
			return requireCut(t, g, 30*time.Second)
		}},
		hostile{number: 87, name: "a list, read at 4 KiB a second", act: func(t *testing.T, g *servertest.Gateway) string {
			t.Helper()
			return readAtRate(t, g, rawGet(servertest.WriterKey, servertest.WorkflowsPath), 4<<10, 30*time.Second, 36*time.Second)
		}},
		hostile{number: 87, name: "events, read at 4 KiB a second", act: func(t *testing.T, g *servertest.Gateway) string {
			t.Helper()
			return readAtRate(t, g, rawGet(servertest.WriterKey, servertest.WorkflowsPath+"/order/history", "Accept: text/event-stream"), 4<<10, 30*time.Second, 36*time.Second)
		}},
		hostile{number: 87, name: "a list, read at 64 KiB a second", act: func(t *testing.T, g *servertest.Gateway) string {
			t.Helper()
			return readAtRate(t, g, rawGet(servertest.WriterKey, servertest.WorkflowsPath), 64<<10, 58*time.Second, 58*time.Second)
		}},
		hostile{number: 87, name: "a list of the Temporal API, read at 64 KiB a second", act: func(t *testing.T, g *servertest.Gateway) string {
			t.Helper()
			return readAtRate(t, g, rawGet(servertest.WriterKey, temporalWorkflowsPath), 64<<10, 58*time.Second, 58*time.Second)
		}},
		hostile{number: 87, name: "a list over HTTP/2, with a window that stays closed", act: func(t *testing.T, g *servertest.Gateway) string {
			t.Helper()
			conn := openHTTP2(t, g, 1<<14)
			var read sync.WaitGroup
			defer read.Wait()
			defer func() { _ = conn.Close() }()
			read.Go(func() { _, _ = io.Copy(io.Discard, conn) })
			return requireCut(t, g, 30*time.Second)
		}},
		hostile{number: 87, name: "a list over HTTP/2, on a connection that is not read", act: func(t *testing.T, g *servertest.Gateway) string {
			t.Helper()
			openHTTP2(t, g, 1<<30)
			return requireCut(t, g, 30*time.Second)
		}},
		hostile{number: 87, name: "a list over HTTP/2, on a connection that is read very slowly", act: func(t *testing.T, g *servertest.Gateway) string {
			t.Helper()
			conn := openHTTP2(t, g, 1<<30)
			var read sync.WaitGroup
			defer read.Wait()
			read.Go(func() { readSlowly(conn, 16, time.Second) })
			return requireCut(t, g, 35*time.Second) // the gateway closes the connection 5 s after the deadline of the write
		}},
	)
}

// serveLargeResponses makes the upstream respond with lists, histories and descriptions of largeMB megabytes.
func serveLargeResponses(t *testing.T, g *servertest.Gateway) {
	t.Helper()
	serveLargeList(t, g, largeMB)
	large := strings.Repeat("x", 1<<20)
	c := temporalfake.NewRunChain(g.Upstream)
	c.Signal(largeMB)
	c.Change(func(r *temporalfake.Run) {
		for _, event := range r.Events {
			event.Attributes = &history.HistoryEvent_WorkflowExecutionSignaledEventAttributes{
				WorkflowExecutionSignaledEventAttributes: &history.WorkflowExecutionSignaledEventAttributes{SignalName: large},
			}
		}
	})
	describe := &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{
		Execution: &common.WorkflowExecution{WorkflowId: "w", RunId: temporalfake.ChainRunID(1)}, Type: &common.WorkflowType{Name: strings.Repeat("x", largeMB<<20)},
		HistoryLength: largeMB + 1, Status: 1,
	}}
	wire, err := proto.Marshal(describe)
	require.NoError(t, err)
	g.Upstream.Handle("DescribeWorkflowExecution", func(context.Context, []byte) ([]byte, error) { return wire, nil })
}

// requireCut requires that the gateway aborts the response to the only request after the given time, and logs it like a
// disconnect of the client.
func requireCut(t *testing.T, g *servertest.Gateway, at time.Duration) string {
	t.Helper()
	time.Sleep(time.Second)
	synctest.Wait()
	held := bytesHeld(t, g, "response")
	line, took := awaitLogLine(t, g, 1)
	took += time.Second
	t.Logf("%d bytes were held, cut after %s: %.300s", held, took, line)
	require.Greater(t, held, 1<<20, "the response is counted while it is written")
	require.InDelta(t, at.Seconds(), took.Seconds(), 0.2)
	require.Contains(t, line, `"status":499,"code":"client-closed-request"`)
	require.Zero(t, bytesHeld(t, g, "response"))
	return fmt.Sprintf("%d bytes held, cut after %s", held, took)
}

// readAtRate reads the response to a request at a rate in bytes per second. It requires that the gateway aborts the
// response after a time between least and most.
func readAtRate(t *testing.T, g *servertest.Gateway, request string, rate int, least, most time.Duration) string {
	t.Helper()
	serveLargeResponses(t, g)
	took, got := readSlowly(openRequest(t, g, request), rate/4, time.Second/4)
	synctest.Wait()
	line, _ := awaitLogLine(t, g, 1)
	t.Logf("cut after %s and %d bytes: %.300s", took, got, line)
	require.GreaterOrEqual(t, took, least)
	require.LessOrEqual(t, took, most+time.Second)
	require.Less(t, got, largeMB<<20)
	require.Contains(t, line, `"status":499,"code":"client-closed-request"`)
	require.Zero(t, bytesHeld(t, g, "response"))
	return fmt.Sprintf("cut after %s and %d bytes", took, got)
}

// manySlowReaders exhausts one caller's share of the response bytes with slow readers. That caller's next request must
// be rejected, and a request of another caller must succeed.
func manySlowReaders(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	const readers = 30
	serveLargeList(t, g, 1)
	var reading sync.WaitGroup
	for range readers {
		conn := openRequest(t, g, rawGet(servertest.WriterKey, servertest.WorkflowsPath))
		reading.Go(func() { readSlowly(conn, 64<<10, time.Second) })
	}
	time.Sleep(2 * time.Second)
	synctest.Wait()
	held := bytesHeld(t, g, "response")
	t.Logf("%d readers hold %d bytes", readers, held)
	require.Greater(t, held, readers<<20)
	more := servertest.Request{Path: servertest.WorkflowsPath, Method: http.MethodGet}
	for range 2 { // the caller's share is 32 MB: 30 lists fit into it, two more fill it
		conn := openRequest(t, g, rawGet(servertest.WriterKey, temporalWorkflowsPath))
		reading.Go(func() { readSlowly(conn, 64<<10, time.Second) })
	}
	time.Sleep(100 * time.Millisecond)
	var resp servertest.Response
	waited := servertest.Elapsed(func() { resp = more.Send(t, g) })
	require.Equal(t, http.StatusTooManyRequests, resp.Status, resp.Body)
	require.Equal(t, "rate-limited", resp.Field(t, "code"))
	require.Equal(t, time.Second, waited, "the default of limits.inFlight.queueTime")
	require.Equal(t, "1", resp.Header.Get("Retry-After"))

	other := g.Do(t, http.MethodGet, servertest.WorkflowsPath, "", "Authorization", "Bearer "+servertest.ReaderKey)
	require.Equal(t, http.StatusOK, other.Status)
	require.Greater(t, len(other.Body), 1<<20)
	reading.Wait()
	synctest.Wait()
	require.Zero(t, bytesHeld(t, g, "response"))
	return fmt.Sprintf("%d bytes held, then 429 rate-limited after %s; another caller's list is complete", held, waited)
}

// openHTTP2 requests a large list over HTTP/2, with flow-control windows of the given
// size.
func openHTTP2(t *testing.T, g *servertest.Gateway, window uint32) net.Conn {
	t.Helper()
	serveLargeList(t, g, largeMB)
	conn, err := g.Listener.Dial(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	var block, text bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range [][2]string{
		{":method", "GET"}, {":scheme", "http"}, {":authority", "gateway"}, {":path", servertest.WorkflowsPath}, {"authorization", "Bearer " + servertest.WriterKey},
	} {
		require.NoError(t, encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}))
	}
	framer := http2.NewFramer(&text, nil)
	text.WriteString(http2.ClientPreface)
	require.NoError(t, framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: window}))
	if window > 1<<16 { // SETTINGS does not change the window of the connection, about 64 KiB
		require.NoError(t, framer.WriteWindowUpdate(0, window-1<<16))
	}
	require.NoError(t, framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true}))
	_, err = conn.Write(text.Bytes())
	require.NoError(t, err)
	return conn
}
