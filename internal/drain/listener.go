package drain

import (
	"net"
	"sync/atomic"
	"time"
)

// A draining listener closes when no connection has arrived for lingerGap, and at
// the latest after lingerLimit, which clients that keep connecting cannot extend.
const (
	lingerGap   = 50 * time.Millisecond
	lingerLimit = time.Second
)

// Listener is a listener that can be drained instead of closed. Closing a listener
// resets the connections that the kernel has accepted and the process has not.
// Their clients are connected and may have sent a request.
type Listener struct {
	net.Listener
	draining atomic.Bool
	last     atomic.Pointer[time.Time]
}

// Drain makes the listener close itself when its accept queue is empty, at most a
// second later. A listener without deadlines, as in memory, has no queue and is
// closed at once.
func (l *Listener) Drain() {
	last := time.Now().Add(lingerLimit)
	l.last.Store(&last)
	l.draining.Store(true)
	l.extend()
}

func (l *Listener) extend() {
	deadline := time.Now().Add(lingerGap)
	if l.last.Load().Before(deadline) {
		deadline = *l.last.Load()
	}
	if queue, ok := l.Listener.(interface{ SetDeadline(at time.Time) error }); !ok || queue.SetDeadline(deadline) != nil {
		_ = l.Close()
	}
}

// Accept returns the next connection. While the listener drains, the first error,
// which is usually that its deadline has passed, closes it.
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
