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

// scripted is a connection whose client has said all it will ever say. It ends
// when the server asks for more, so that nothing waits for a deadline.
type scripted struct {
	finished chan struct{} // closed when the server writes no more
	once     sync.Once

	mu       sync.Mutex
	more     *sync.Cond
	in       []byte
	out      bytes.Buffer
	deadline time.Time // of reads
	closed   bool
	watches  bool // it is HTTP/1, where net/http watches whether the client leaves
}

func newScripted(in []byte) *scripted {
	c := &scripted{in: in, finished: make(chan struct{}), watches: !bytes.HasPrefix(in, []byte("PRI * HTTP/2.0"))}
	c.more = sync.NewCond(&c.mu)
	return c
}

// Read ends the connection at the end of the input, but for a read into one
// byte: by that net/http watches, behind a handler, whether the client left. If
// that is the last byte of a buffer instead, its deadline stays, and is cut short.
func (c *scripted) Read(p []byte) (int, error) {
	const lifted = 50 * time.Millisecond // when a handler has the body, it lifts the deadline
	begin := time.Now()
	wake := time.AfterFunc(lifted+time.Millisecond, c.more.Broadcast)
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
		case cap(p) != 1 || !c.watches || limited && time.Since(begin) > lifted:
			return 0, io.EOF
		}
		c.more.Wait()
	}
}

func (c *scripted) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.out.Write(p)
	if !c.watches && goesAway(c.out.Bytes()) {
		_ = c.CloseWrite() // an HTTP/2 server lingers for a second
	}
	return n, err
}

// goesAway finds GOAWAY among the frames of HTTP/2 (RFC 9113 section 4.1).
func goesAway(frames []byte) bool {
	const header, goAway = 9, 7
	for len(frames) >= header {
		if frames[3] == goAway {
			return true
		}
		frames = frames[min(len(frames), header+int(frames[0])<<16+int(frames[1])<<8+int(frames[2])):]
	}
	return false
}

func (c *scripted) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.more.Broadcast()
	return c.CloseWrite()
}

// CloseWrite is what net/http calls before it lingers for half a second.
func (c *scripted) CloseWrite() error {
	c.once.Do(func() { close(c.finished) })
	return nil
}

func (c *scripted) SetReadDeadline(at time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = at
	c.more.Broadcast()
	return nil
}

func (c *scripted) SetDeadline(at time.Time) error     { return c.SetReadDeadline(at) }
func (c *scripted) SetWriteDeadline(_ time.Time) error { return nil }
func (c *scripted) LocalAddr() net.Addr                { return servertest.MemoryAddr{} }
func (c *scripted) RemoteAddr() net.Addr               { return servertest.MemoryAddr{} }
