package server

import (
	"net"
	"sync/atomic"
	"time"
)

// How a listener ends: when nobody has come for a while, and at the latest
// after a time that callers who never stop coming cannot prolong.
const (
	lingerGap   = 50 * time.Millisecond
	lingerLimit = time.Second
)

// drainListener is a listener that can finish instead of being closed. Closing
// resets the connections that the kernel has accepted and we have not, whose
// callers believe that they are connected and may have sent a request.
type drainListener struct {
	net.Listener
	finishing atomic.Bool
	last      atomic.Pointer[time.Time]
}

// Drain makes the listener close itself when the queue has run dry. One that
// has no deadlines, as in memory, has no queue either.
func (l *drainListener) Drain() {
	last := time.Now().Add(lingerLimit)
	l.last.Store(&last)
	l.finishing.Store(true)
	l.extend()
}

func (l *drainListener) extend() {
	deadline := time.Now().Add(lingerGap)
	if l.last.Load().Before(deadline) {
		deadline = *l.last.Load()
	}
	if queue, ok := l.Listener.(interface{ SetDeadline(at time.Time) error }); !ok || queue.SetDeadline(deadline) != nil {
		_ = l.Close()
	}
}

// Accept gives the next connection. A deadline that passes while finishing is
// the end.
func (l *drainListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	switch {
	case !l.finishing.Load():
	case err == nil:
		l.extend()
	default:
		_ = l.Close()
		return nil, net.ErrClosed
	}
	return conn, err
}
