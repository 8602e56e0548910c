package drain

import (
	"net"
	"sync/atomic"
	"time"
)

// A draining listener closes when no connection has arrived for drainGap, and at
// the latest after drainLimit, so that clients that keep connecting cannot keep it
// open.
const (
	drainGap   = 50 * time.Millisecond
	drainLimit = time.Second
)

// Listener is a listener that can be drained instead of closed. Closing a listener
// resets the connections that the kernel has accepted and the process has not, although
// their clients may already have sent a request.
type Listener struct {
	net.Listener
	draining atomic.Bool
	closeAt  atomic.Pointer[time.Time]
}

// Drain makes the listener close itself as soon as its accept queue is empty, but at
// most a second later. A listener that supports no deadlines, such as one in memory, has
// no queue, so Drain closes it immediately.
func (l *Listener) Drain() {
	closeAt := time.Now().Add(drainLimit)
	l.closeAt.Store(&closeAt)
	l.draining.Store(true)
	l.extend()
}

// extend sets the deadline of the next Accept.
func (l *Listener) extend() {
	deadline := time.Now().Add(drainGap)
	if l.closeAt.Load().Before(deadline) {
		deadline = *l.closeAt.Load()
	}
	if inner, ok := l.Listener.(interface{ SetDeadline(at time.Time) error }); !ok || inner.SetDeadline(deadline) != nil {
		_ = l.Close()
	}
}

// Accept returns the next connection. While the listener drains, the first error
// closes it. Usually that error is the timeout that extend has set.
func (l *Listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	switch {
	case !l.draining.Load():
	case err == nil:
		l.extend()
	default:
		_ = l.Close()
		return nil, net.ErrClosed
	}
	return conn, err
}
