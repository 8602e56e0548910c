package server_test

import (
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"

	"github.com/flowgate/flowgate/internal/server/servertest"
)

// notAck marks a PING frame that requests a response.
const notAck = false

// dialHTTP2 opens a connection and sends the preface of HTTP/2.
func dialHTTP2(t *testing.T, g *servertest.Gateway) (net.Conn, *http2.Framer) {
	t.Helper()
	conn, err := g.Listener.Dial(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = io.WriteString(conn, http2.ClientPreface)
	require.NoError(t, err)
	return conn, http2.NewFramer(conn, conn)
}

// The gateway responds to SETTINGS and PING frames even if the client is not authenticated. The in-memory connection
// has no buffer, so each of these writes blocks until the client reads.
func TestHTTP2ConnectionsThatDoNotReadAreClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		conn, framer := dialHTTP2(t, g)
		require.NoError(t, framer.WriteSettings())
		require.NoError(t, framer.WritePing(notAck, [8]byte{}))
		begin := time.Now()
		err := conn.SetWriteDeadline(begin.Add(2 * time.Hour))
		for err == nil && time.Since(begin) < time.Hour {
			err = framer.WritePing(notAck, [8]byte{})
			time.Sleep(time.Second)
		}
		require.ErrorIs(t, err, io.ErrClosedPipe)
		require.LessOrEqual(t, time.Since(begin), 32*time.Second, "listen.timeouts.write is 30 s")
	})
}

func TestHTTP2FramesAreSmall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		_, framer := dialHTTP2(t, g)
		go func() { _ = framer.WriteSettings() }() // concurrently, because the gateway writes first
		frame, err := framer.ReadFrame()
		require.NoError(t, err)
		settings, ok := frame.(*http2.SettingsFrame)
		require.True(t, ok)
		size, ok := settings.Value(http2.SettingMaxFrameSize)
		require.True(t, ok)
		require.Equal(t, uint32(16<<10), size)
	})
}
