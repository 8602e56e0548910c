package upstreamtest

import (
	"bytes"
	"context"
	"encoding/binary"
	"strconv"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// messagePrefix is the flag and the length before a gRPC message.
const messagePrefix = 5

// maxFrame is the largest frame that clients take unless they say otherwise.
const maxFrame = 16 << 10

// Stream is one call to a [Raw]. Its methods write to the client at once,
// whatever the protocol would say, and without regard to its windows.
type Stream struct {
	// Method is the short name, such as StartWorkflowExecution.
	Method string
	// Metadata is the call's head, pseudo-headers included.
	Metadata metadata.MD

	conn *rawConn
	id   uint32
	ctx  context.Context //nolint:containedctx // the call's life
	end  context.CancelFunc

	mu       sync.Mutex
	received []byte
	stalled  bool
	whole    chan struct{} // closed when the request has ended
	ended    bool
}

// Done is closed when the client gives the call up, or its connection ends.
func (s *Stream) Done() <-chan struct{} { return s.ctx.Done() }

// Request waits for the request and gives its message, or nil when the call
// ends before.
func (s *Stream) Request() []byte {
	select {
	case <-s.whole:
	case <-s.ctx.Done():
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.received) < messagePrefix {
		return nil
	}
	return s.received[messagePrefix:]
}

// Stall reads nothing more of the request as far as the client can tell: it
// may send what fits its window, and then has to wait.
func (s *Stream) Stall() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stalled = true
}

// Received tells how much of the request has come.
func (s *Stream) Received() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.received)
}

func (s *Stream) receive(data []byte, last bool) {
	s.mu.Lock()
	s.received = append(s.received, data...)
	deaf := s.stalled
	first := last && !s.ended
	s.ended = s.ended || last
	s.mu.Unlock()
	if n := uint32(len(data)); n > 0 && !deaf { //nolint:gosec // at most a frame
		s.conn.write(func(f *http2.Framer) error {
			_ = f.WriteWindowUpdate(0, n)
			return f.WriteWindowUpdate(s.id, n)
		})
	}
	if first {
		close(s.whole)
	}
}

// Headers sends response headers: the given pairs, after those of a good gRPC
// answer unless the pairs bring a :status of their own.
func (s *Stream) Headers(pairs ...string) { s.fields(false, true, pairs) }

// TrailersOnly sends headers that are the whole answer.
func (s *Stream) TrailersOnly(pairs ...string) { s.fields(true, true, pairs) }

// Trailers sends pairs and ends the answer.
func (s *Stream) Trailers(pairs ...string) { s.fields(true, false, pairs) }

func (s *Stream) fields(last, head bool, pairs []string) {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	if head && (len(pairs) == 0 || pairs[0] != ":status") {
		pairs = append([]string{":status", "200", "content-type", "application/grpc"}, pairs...)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		_ = encoder.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	s.conn.write(func(f *http2.Framer) error {
		first := block.Next(maxFrame)
		err := f.WriteHeaders(http2.HeadersFrameParam{
			StreamID: s.id, BlockFragment: first, EndStream: last, EndHeaders: block.Len() == 0,
		})
		for err == nil && block.Len() > 0 {
			next := block.Next(maxFrame)
			err = f.WriteContinuation(s.id, block.Len() == 0, next)
		}
		return err
	})
}

// Data sends bytes of the body as they are; last ends the answer without
// trailers.
func (s *Stream) Data(data []byte, last bool) {
	s.conn.write(func(f *http2.Framer) error {
		for len(data) > maxFrame {
			if err := f.WriteData(s.id, false, data[:maxFrame]); err != nil {
				return err
			}
			data = data[maxFrame:]
		}
		return f.WriteData(s.id, last, data)
	})
}

// Framed gives a message as it is in the body.
func Framed(message []byte) []byte { return append(Prefix(len(message)), message...) }

// Prefix announces a message of a length, compressed by nothing.
func Prefix(length int) []byte {
	return binary.BigEndian.AppendUint32([]byte{0}, uint32(length)) //nolint:gosec // a test's own
}

// Respond sends a whole good answer.
func (s *Stream) Respond(message []byte) {
	s.Headers()
	s.Data(Framed(message), false)
	s.Trailers("grpc-status", "0")
}

// Reset ends the call with a code of HTTP/2's.
func (s *Stream) Reset(code http2.ErrCode) {
	s.conn.write(func(f *http2.Framer) error { return f.WriteRSTStream(s.id, code) })
}

// Refuse tells the client to go away because of this call and those after it,
// which the server has not looked at.
func (s *Stream) Refuse(code http2.ErrCode, debug string) {
	s.conn.goAway(s.id-min(s.id, 2), code, debug)
}

// Leave tells the client to begin no other call on this connection.
func (s *Stream) Leave(code http2.ErrCode, debug string) { s.conn.goAway(s.id, code, debug) }

// Cut breaks the call's connection off, without a word.
func (s *Stream) Cut() { _ = s.conn.conn.Close() }

// Wait waits, and reports false when the call ends before.
func (s *Stream) Wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.Done():
		return false
	}
}

// Serve answers as the server behind does.
func (s *Stream) Serve() { s.conn.raw.server.respond(s) }

// respond gives what the handler of the call's method says.
func (s *Server) respond(stream *Stream) {
	handler := s.Handler(stream.Method)
	if handler == nil {
		stream.TrailersOnly("grpc-status", "12")
		return
	}
	answer, err := handler(stream.ctx, stream.Request())
	if err != nil {
		st := status.Convert(err)
		stream.TrailersOnly("grpc-status", strconv.Itoa(int(st.Code())), "grpc-message", st.Message())
		return
	}
	stream.Respond(answer)
}
