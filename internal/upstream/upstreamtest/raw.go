package upstreamtest

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/test/bufconn"
)

// FrameServer is an HTTP/2 server that works with frames, so that a test can send responses that
// no gRPC library sends. It passes a call whose method has no [Script] to the handlers of
// a [Server]. It also records all calls in the Server, without their request messages. It
// is safe for concurrent use.
type FrameServer struct {
	server   *Server
	listener *bufconn.Listener
	serving  sync.WaitGroup

	mu      sync.Mutex
	scripts map[string]Script // by short name
	conns   map[*rawConn]struct{}
	closed  bool
}

// Script handles one call. It runs in a separate goroutine as soon as the headers of the
// call have arrived.
type Script func(*Stream)

// NewRaw starts a [FrameServer] in front of server. It stops when the test ends.
func NewRaw(t testing.TB, server *Server) *FrameServer {
	t.Helper()
	r := &FrameServer{
		server: server, listener: bufconn.Listen(pipeBytes),
		scripts: map[string]Script{}, conns: map[*rawConn]struct{}{},
	}
	r.serving.Go(func() {
		for {
			conn, err := r.listener.Accept()
			if err != nil {
				return
			}
			r.serve(conn)
		}
	})
	t.Cleanup(func() {
		_ = r.listener.Close()
		r.mu.Lock()
		r.closed = true
		r.mu.Unlock()
		r.each(func(c *rawConn) { _ = c.conn.Close() })
		r.serving.Wait()
	})
	return r
}

// Dial connects to the server. It ignores the address.
func (r *FrameServer) Dial(ctx context.Context, _ string) (net.Conn, error) {
	return r.listener.DialContext(ctx)
}

// Handle sets the script for a method, given by its short name. With a nil script, the
// handler of the [Server] applies again.
func (r *FrameServer) Handle(method string, script Script) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.scripts[method] = script
}

// GoAway sends GOAWAY on all connections, as a server does before it stops. Calls that
// have already arrived continue.
func (r *FrameServer) GoAway(code http2.ErrCode, debug string) {
	r.each(func(c *rawConn) { c.goAway(c.lastID(), code, debug) })
}

func (r *FrameServer) script(method string) Script {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.scripts[method]
}

func (r *FrameServer) each(do func(*rawConn)) {
	r.mu.Lock()
	conns := make([]*rawConn, 0, len(r.conns))
	for c := range r.conns {
		conns = append(conns, c)
	}
	r.mu.Unlock()
	for _, c := range conns {
		do(c)
	}
}

func (r *FrameServer) serve(conn net.Conn) {
	c := &rawConn{raw: r, conn: conn, framer: http2.NewFramer(conn, conn), streams: map[uint32]*Stream{}}
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.framer.SetMaxReadFrameSize(1 << 20)
	c.ctx, c.end = context.WithCancel(context.Background())
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		_ = conn.Close()
		return
	}
	r.conns[c] = struct{}{}
	r.serving.Go(func() {
		c.read()
		c.end()
		_ = conn.Close()
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.conns, c)
	})
}

// rawConn is one connection to a [FrameServer].
type rawConn struct {
	raw  *FrameServer
	conn net.Conn
	ctx  context.Context //nolint:containedctx // ends with the connection
	end  context.CancelFunc

	framer  *http2.Framer
	writing sync.Mutex // held while framer writes

	mu      sync.Mutex
	streams map[uint32]*Stream
	last    uint32 // the id of the last stream
}

// read reads frames until the connection ends.
func (c *rawConn) read() {
	if _, err := io.ReadFull(c.conn, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	c.write(func(f *http2.Framer) error { return f.WriteSettings() })
	for {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			return
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				c.write(func(f *http2.Framer) error { return f.WriteSettingsAck() })
			}
		case *http2.PingFrame:
			if !frame.IsAck() {
				c.write(func(f *http2.Framer) error { return f.WritePing(true, frame.Data) })
			}
		case *http2.MetaHeadersFrame:
			c.open(frame)
		case *http2.DataFrame:
			if s := c.stream(frame.StreamID); s != nil {
				s.receive(frame.Data(), frame.StreamEnded())
			}
		case *http2.RSTStreamFrame:
			if s := c.stream(frame.StreamID); s != nil {
				s.end()
			}
		default:
		}
	}
}

func (c *rawConn) open(frame *http2.MetaHeadersFrame) {
	s := &Stream{conn: c, id: frame.StreamID, Metadata: metadata.MD{}, requestDone: make(chan struct{})}
	for _, field := range frame.Fields {
		s.Metadata.Append(field.Name, field.Value)
	}
	s.Method = shortName(frame.PseudoValue("path"))
	s.ctx, s.end = context.WithCancel(c.ctx)
	c.mu.Lock()
	c.streams[s.id], c.last = s, s.id
	c.mu.Unlock()
	c.raw.server.record(Call{Method: s.Method, Metadata: s.Metadata, Time: time.Now()})
	script := c.raw.script(s.Method)
	if script == nil {
		script = (*Stream).Serve
	}
	c.raw.serving.Go(func() {
		defer s.end()
		script(s)
	})
}

func (c *rawConn) stream(id uint32) *Stream {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.streams[id]
}

// lastID returns the id of the last stream.
func (c *rawConn) lastID() uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

// write sends frames. It ignores errors, because a client may have
// disconnected.
func (c *rawConn) write(frames func(*http2.Framer) error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	_ = frames(c.framer)
}

func (c *rawConn) goAway(last uint32, code http2.ErrCode, debug string) {
	c.write(func(f *http2.Framer) error { return f.WriteGoAway(last, code, []byte(debug)) })
}
