package upstreamtest

import (
	"context"
	"net"
	"sync"
	"syscall"
)

// Refused returns a dialer whose connections are refused. Its error is that of
// the net package, with the given address.
func Refused(address string) Dialer {
	return func(context.Context, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: at(address), Err: syscall.ECONNREFUSED}
	}
}

// at is a net.Addr with an arbitrary text.
type at string

func (at) Network() string  { return "tcp" }
func (a at) String() string { return string(a) }

// Unreachable is a dialer to an unreachable host. It blocks until ctx ends.
func Unreachable(ctx context.Context, _ string) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// Silent is a dialer to a host that accepts connections and data and never
// responds.
func Silent(context.Context, string) (net.Conn, error) {
	near, _ := net.Pipe()
	valve := NewValve()
	valve.Shut()
	return valve.Wrap(near), nil
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

// Bytewise wraps a connection so that each read and write transfers one byte,
// as a network may split messages anywhere.
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

// Valve wraps connections that can lose their peer without an error, as when a
// cable is cut.
type Valve struct {
	once sync.Once
	shut chan struct{}
}

// NewValve returns an open valve.
func NewValve() *Valve { return &Valve{shut: make(chan struct{})} }

// Shut drops all data from now on, in both directions.
func (v *Valve) Shut() { v.once.Do(func() { close(v.shut) }) }

func (v *Valve) isShut() bool {
	select {
	case <-v.shut:
		return true
	default:
		return false
	}
}

// Wrap returns a connection whose data passes the valve.
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
