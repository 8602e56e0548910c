package server_test

import (
	"context"
	"net"
	"sync"
)

// listener hands out synchronous in-memory connections. bufconn will not do
// for net/http: it ends a background read by a deadline in the past, which
// bufconn may let fire after it was lifted again.
type listener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newListener() *listener {
	return &listener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *listener) Addr() net.Addr { return memory{} }

// dial connects, or fails as soon as the listener is closed.
func (l *listener) dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// memory is the address of everybody.
type memory struct{}

func (memory) Network() string { return "memory" }
func (memory) String() string  { return "memory" }
