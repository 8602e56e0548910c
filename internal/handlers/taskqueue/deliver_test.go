package taskqueue_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
)

// TestATaskIsDeliveredToAClientThatLeavesAfterTheLastByte uses real connections: a client
// closes its connection, or its HTTP/2 stream, while the gateway is still in the call that
// wrote the last byte.
func TestATaskIsDeliveredToAClientThatLeavesAfterTheLastByte(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(t *testing.T, address string){
		"HTTP/1": pollOnceAndClose, "HTTP/2": pollOnceAndReset,
	} {
		for size, input := range map[string]int{"small": 0, "large": 20_000} {
			t.Run(name+", "+size, func(t *testing.T) {
				t.Parallel()
				g, address := startOnTCP(t)
				q := newQueue(t, g)
				for i := range 300 {
					sent := task(i)
					sent.ActivityId += strings.Repeat("x", input)
					q.tasks <- sent
					leave(t, address)
				}
				g.Stop()
				require.NoError(t, <-g.Done) // awaits what runs after a response
				require.Empty(t, q.failures(), "no task that was delivered is given back")
			})
		}
	}
}

func startOnTCP(t *testing.T) (g *servertest.Gateway, address string) {
	t.Helper()
	public, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed by the gateway
	require.NoError(t, err)
	address = public.Addr().String()
	g = servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) {
		cfg.Listen.DrainDelay = 0 // the test runs in real time
	}, Public: public, Dial: func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}})
	return g, address
}

// pollOnceAndClose behaves as curl does: it closes the connection after Content-Length bytes.
func pollOnceAndClose(t *testing.T, address string) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	defer conn.Close() //nolint:errcheck // nothing was written last
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer %s\r\nContent-Length: 0\r\n\r\n", pollPath, servertest.WriterKey)
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode)
	_, err = io.CopyN(io.Discard, response.Body, response.ContentLength)
	require.NoError(t, err)
}

// pollOnceAndReset behaves as a Go client that decodes the body and closes it: it resets the
// stream before it has seen its end.
func pollOnceAndReset(t *testing.T, address string) {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+pollPath, nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+servertest.WriterKey)
	response, err := transport.RoundTrip(r)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode)
	_, err = io.CopyN(io.Discard, response.Body, response.ContentLength)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
}
