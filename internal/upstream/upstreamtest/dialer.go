package upstreamtest

import (
	"context"
	"net"
	"sync"
	"syscall"
)

// Refused returns a dialer that fails with ECONNREFUSED, in the form of an error of the
// net package for the given address.
func Refused(address string) Dialer {
	return func(context.Context, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: addrText(address), Err: syscall.ECONNREFUSED}
	}
}

// addrText is a net.Addr that is not resolved.
type addrText string

func (addrText) Network() string  { return "tcp" }
func (a addrText) String() string { return string(a) }

// Unreachable is a dialer for a host that does not respond to connection attempts. It
// blocks until ctx ends.
func Unreachable(ctx context.Context, _ string) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// BlackHole is a dialer for a host that accepts connections and data but sends nothing.
func BlackHole(context.Context, string) (net.Conn, error) {
	conn, _ := net.Pipe()
	valve := NewValve()
	valve.Shut()
	return valve.Wrap(conn), nil
}

// Wrapped returns a dialer that wraps the connections of another dialer.
func Wrapped(dial Dialer, wrap func(net.Conn) net.Conn) Dialer {
	return func(ctx context.Context, address string) (net.Conn, error) {
		conn, err := dial(ctx, address)
		if err != nil {
			return nil, err
		}
		return wrap(conn), nil
	}
}

// Bytewise wraps a connection so that it transfers one byte at a time, because a
// network may split messages anywhere.
func Bytewise(conn net.Conn) net.Conn { return bytewise{conn} }

type bytewise struct{ net.Conn }

func (c bytewise) Read(p []byte) (int, error) {
	if len(p) > 1 {
		p = p[:1]
	}
	return c.Conn.Read(p)
}

func (c bytewise) Write(p []byte) (int, error) {
	for i := range p {
		if _, err := c.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

// Valve simulates a network that loses all data without an error, as when a cable is
// cut. It affects the connections that [Valve.Wrap] returns.
type Valve struct {
	once sync.Once
	shut chan struct{}
}

// NewValve returns an open valve.
func NewValve() *Valve { return &Valve{shut: make(chan struct{})} }

// Shut makes the valve drop all further data, in both directions.
func (v *Valve) Shut() { v.once.Do(func() { close(v.shut) }) }

func (v *Valve) isShut() bool {
	select {
	case <-v.shut:
		return true
	default:
		return false
	}
}

// Wrap returns a connection that transfers data until the valve is shut.
func (v *Valve) Wrap(conn net.Conn) net.Conn {
	return &valved{Conn: conn, valve: v, closed: make(chan struct{})}
}

type valved struct {
	net.Conn

	valve  *Valve
	once   sync.Once
	closed chan struct{}
}

func (c *valved) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.valve.isShut() {
		<-c.closed
		return 0, net.ErrClosed
	}
	return n, err
}

func (c *valved) Write(p []byte) (int, error) {
	if c.valve.isShut() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func (c *valved) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}
