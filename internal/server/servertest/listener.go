package servertest

import (
	"context"
	"net"
	"sync"
)

// Listener accepts in-memory connections without a buffer, like net.Pipe. It replaces bufconn, which does not work with
// net/http: net/http ends a background read with a deadline in the past, and bufconn may apply that deadline after it
// has been cleared.
type Listener struct {
	// Conns passes the server's end of each connection to Accept.
	Conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// NewListener returns an open listener.
func NewListener() *Listener {
	return &Listener{Conns: make(chan net.Conn), closed: make(chan struct{})}
}

// Accept returns the next connection, or net.ErrClosed.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.Conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close closes the listener. Connections stay open.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr returns a [MemoryAddr].
func (l *Listener) Addr() net.Addr { return MemoryAddr{} }

// Dial opens a connection. It returns net.ErrClosed if the listener is closed.
func (l *Listener) Dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.Conns <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// MemoryAddr is the address of both ends of an in-memory connection.
type MemoryAddr struct{}

// Network returns "memory".
func (MemoryAddr) Network() string { return "memory" }

// String returns "memory".
func (MemoryAddr) String() string { return "memory" }
