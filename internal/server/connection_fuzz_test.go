package server_test

import (
	"bytes"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/flowgate/flowgate/internal/server/servertest"
)

// scriptedConn is a connection whose client has sent the complete input. It ends when the server reads beyond the
// input, so that no input of the fuzz test waits for a deadline.
type scriptedConn struct {
	finished chan struct{} // closed when the server has finished writing
	once     sync.Once

	mu       sync.Mutex
	more     *sync.Cond
	in       []byte
	out      bytes.Buffer
	deadline time.Time // of reads
	closed   bool
	http1    bool // net/http reads in the background to detect a disconnect
}

func newScriptedConn(in []byte) *scriptedConn {
	c := &scriptedConn{in: in, finished: make(chan struct{}), http1: !bytes.HasPrefix(in, []byte("PRI * HTTP/2.0"))}
	c.more = sync.NewCond(&c.mu)
	return c
}

// Read returns EOF at the end of the input, except to a read of one byte: net/http makes such a read while a handler
// runs to detect a disconnect, and an EOF would cancel the request. But net/http also reads one byte if only one is
// free in a buffer. The read deadline then remains set, and Read returns EOF after a short time.
func (c *scriptedConn) Read(p []byte) (int, error) {
	const deadlineCleared = 50 * time.Millisecond // the time within which a handler clears the deadline of the body
	begin := time.Now()
	wake := time.AfterFunc(deadlineCleared+time.Millisecond, c.more.Broadcast)
	defer wake.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		limited := !c.deadline.IsZero()
		switch {
		case c.closed:
			return 0, net.ErrClosed
		case limited && c.deadline.Before(time.Now()):
			return 0, os.ErrDeadlineExceeded
		case len(c.in) > 0:
			n := copy(p, c.in)
			c.in = c.in[n:]
			return n, nil
		case cap(p) != 1 || !c.http1 || limited && time.Since(begin) > deadlineCleared:
			return 0, io.EOF
		}
		c.more.Wait()
	}
}

func (c *scriptedConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.out.Write(p)
	if !c.http1 && hasGoAway(c.out.Bytes()) {
		_ = c.CloseWrite() // the HTTP/2 server would close the connection a second later
	}
	return n, err
}

// hasGoAway reports whether HTTP/2 frames (RFC 9113 section 4.1) contain GOAWAY.
func hasGoAway(frames []byte) bool {
	const header, goAway = 9, 7
	for len(frames) >= header {
		if frames[3] == goAway {
			return true
		}
		frames = frames[min(len(frames), header+int(frames[0])<<16+int(frames[1])<<8+int(frames[2])):]
	}
	return false
}

func (c *scriptedConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.more.Broadcast()
	return c.CloseWrite()
}

// CloseWrite implements the method that net/http calls half a second before Close.
func (c *scriptedConn) CloseWrite() error {
	c.once.Do(func() { close(c.finished) })
	return nil
}

func (c *scriptedConn) SetReadDeadline(at time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = at
	c.more.Broadcast()
	return nil
}

func (c *scriptedConn) SetDeadline(at time.Time) error     { return c.SetReadDeadline(at) }
func (c *scriptedConn) SetWriteDeadline(_ time.Time) error { return nil }
func (c *scriptedConn) LocalAddr() net.Addr                { return servertest.MemoryAddr{} }
func (c *scriptedConn) RemoteAddr() net.Addr               { return servertest.MemoryAddr{} }
