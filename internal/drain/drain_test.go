package drain_test

import (
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/flowgate/flowgate/internal/drain"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestGateAdmitsUntilItRejects(t *testing.T) {
	t.Parallel()
	gate := drain.NewGate()
	for _, test := range []struct {
		phase             drain.Phase
		admitted, closing bool // the results of Enter
	}{
		{drain.Serving, true, false},
		{drain.Draining, true, true},
		{drain.Rejecting, false, true},
		{drain.Serving, false, true}, // an earlier phase is ignored
	} {
		gate.Advance(test.phase)
		admitted, closing := gate.Enter()
		require.Equal(t, test.admitted, admitted, "phase %d", test.phase)
		require.Equal(t, test.closing, closing, "phase %d", test.phase)
		require.Equal(t, test.phase != drain.Serving || !test.admitted, gate.IsDraining())
	}
	require.Equal(t, 2, gate.InFlight(), "two calls of Enter admitted a request")
}

func TestGateWaitsForRequestsInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := drain.NewGate()
		gate.Enter()
		gate.Advance(drain.Rejecting)
		begin := time.Now()
		require.False(t, gate.Await(3*time.Second))
		require.Equal(t, 3*time.Second, time.Since(begin))
		time.AfterFunc(time.Second, gate.Leave)
		require.True(t, gate.Await(3*time.Second))
		require.Equal(t, 4*time.Second, time.Since(begin))
	})
}

// The listener still returns a connection that the kernel had accepted before the drain.
func TestListenerAcceptsQueuedConnectionsBeforeItCloses(t *testing.T) {
	t.Parallel()
	tcp, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	listener := &drain.Listener{Listener: tcp}
	var dialer net.Dialer
	queued, err := dialer.DialContext(t.Context(), "tcp", tcp.Addr().String())
	require.NoError(t, err)
	defer func() { _ = queued.Close() }()
	listener.Drain()
	accepted, err := listener.Accept()
	require.NoError(t, err)
	require.NoError(t, accepted.Close())
	_, err = listener.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = dialer.DialContext(t.Context(), "tcp", tcp.Addr().String())
	require.Error(t, err)
}

// memoryListener is a listener that does not support deadlines.
type memoryListener struct{ closed chan struct{} }

func (m memoryListener) Accept() (net.Conn, error) { <-m.closed; return nil, net.ErrClosed }
func (m memoryListener) Close() error              { close(m.closed); return nil }
func (memoryListener) Addr() net.Addr              { return nil }

func TestListenerWithoutDeadlinesClosesAtOnce(t *testing.T) {
	t.Parallel()
	inner := memoryListener{make(chan struct{})}
	(&drain.Listener{Listener: inner}).Drain()
	_, err := inner.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
}

func TestConnectionsAwaitsNewAndActiveConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		connections := drain.NewConnections()
		begin := time.Now()
		connections.Await(time.Second)
		require.Zero(t, time.Since(begin), "no connection is busy")
		first, second := &net.TCPConn{}, &net.UnixConn{}
		connections.Track(first, http.StateNew)
		connections.Track(second, http.StateActive)
		connections.Track(second, http.StateIdle)
		time.AfterFunc(300*time.Millisecond, func() { connections.Track(first, http.StateClosed) })
		connections.Await(time.Second)
		require.Equal(t, 300*time.Millisecond, time.Since(begin))
		connections.Track(first, http.StateNew)
		connections.Await(time.Second)
		require.Equal(t, 1300*time.Millisecond, time.Since(begin), "an unused connection does not delay Await beyond the limit")
	})
}
