package e2e_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
	"github.com/flowgate/flowgate/dev/stack"
	"github.com/flowgate/flowgate/dev/temporal"
)

// addLargeEvents adds events whose total size exceeds the socket buffers. It returns the number of all events.
func addLargeEvents(t *testing.T, s started) (events int) {
	t.Helper()
	const signals, size = 200, 100 << 10
	payload := &common.Payload{
		Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(quote(strings.Repeat("x", size))),
	}
	for range signals {
		_, err := shared.server.SignalWorkflowExecution(t.Context(), &workflowservice.SignalWorkflowExecutionRequest{
			Namespace: temporal.DefaultNamespace, SignalName: "large", Input: &common.Payloads{Payloads: []*common.Payload{payload}},
			WorkflowExecution: &common.WorkflowExecution{WorkflowId: s.WorkflowID, RunId: s.RunID},
		})
		require.NoError(t, err)
	}
	return describe(t, s.WorkflowID).HistoryLength
}

// openUnreadStream requests an event stream and does not read the response.
func openUnreadStream(t *testing.T, gateway *stack.Gateway, path string) net.Conn {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(gateway.URL, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() }) // the gateway may have reset the connection
	tcp, ok := conn.(*net.TCPConn)
	require.True(t, ok)
	require.NoError(t, tcp.SetReadBuffer(64<<10)) // with a smaller buffer, reading the response later would take long
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: gateway\r\nAccept: %s\r\nAuthorization: Bearer %s\r\n\r\n", path, typeEvents, stack.WriterKey)
	require.NoError(t, err)
	return conn
}

// TestSSEStalledReaderIsDisconnected checks that the gateway closes the connection of a client that does not read. A
// second client, which reads the same history, receives all events.
func TestSSEStalledReaderIsDisconnected(t *testing.T) {
	t.Parallel()
	const timeout = 2 * time.Second // 30 s by default
	gateway := startGatewayForTest(t, "FLOWGATE_LISTEN_TIMEOUTS_WRITE="+timeout.String())
	streams := func() int { return int(e2etest.Metric(t, gateway, "flowgate_in_flight", `kind="wait"`)) }
	s := startWithoutWorker(t)
	length := addLargeEvents(t, s)
	path := historyPath(s) + "&pageSize=10"

	stalled := openUnreadStream(t, gateway, path)
	e2etest.Eventually(t, "the stream of the stalled client has begun", func() bool { return streams() == 1 })
	began := time.Now()
	events, closeStream := openEventStream(t.Context(), t, writer().onGateway(gateway), path, "")
	defer closeStream()
	require.Equal(t, fmt.Sprintf("%s/%d", s.RunID, length), readEvents(t, events, length))
	e2etest.Eventually(t, "the stalled reader is disconnected", func() bool { return streams() == 1 })
	t.Logf("disconnected after %s; the write timeout is %s", time.Since(began).Round(time.Millisecond), timeout)
	terminate(t, s.WorkflowID)
	readEvents(t, events, 1)
	e, err := events.next()
	require.NoError(t, err)
	require.Equal(t, "end", e.kind)
	e2etest.Eventually(t, "no stream is left", func() bool { return streams() == 0 })

	require.NoError(t, stalled.SetReadDeadline(time.Now().Add(time.Minute)))
	got, _ := io.ReadAll(stalled) // what the socket buffer still contains; it fails if the connection was reset
	require.Less(t, bytes.Count(got, []byte("\nid: ")), length)
	require.NotContains(t, string(got), "\r\n0\r\n\r\n", "the response does not end with the last chunk, so the client can detect that it is incomplete")
}
