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

// messagePrefix is the size of the prefix of a gRPC message, in bytes: one byte for the
// compression flag and four for the length.
const messagePrefix = 5

// maxFrame is the default maximum size of an HTTP/2 frame, in bytes.
const maxFrame = 16 << 10

// Stream is one call to a [FrameServer]. Its methods immediately write frames to the client,
// without flow control and even if they violate the protocol.
type Stream struct {
	// Method is the short name, such as StartWorkflowExecution.
	Method string
	// Metadata has the headers of the call, including the pseudo-headers.
	Metadata metadata.MD

	conn *rawConn
	id   uint32
	ctx  context.Context //nolint:containedctx // ends with the call
	end  context.CancelFunc

	mu          sync.Mutex
	received    []byte
	stalled     bool
	requestDone chan struct{} // closed when the request is complete
	ended       bool          // the request is complete
}

// Done returns a channel that is closed when the client cancels the call or the
// connection ends.
func (s *Stream) Done() <-chan struct{} { return s.ctx.Done() }

// Request waits for the request and returns its message, or nil if the call
// ends first.
func (s *Stream) Request() []byte {
	select {
	case <-s.requestDone:
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

// StopReading stops sending window updates, as if the server no longer read the request. The
// client can send data until its window is full.
func (s *Stream) StopReading() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stalled = true
}

// Received returns the number of bytes of the request that have arrived.
func (s *Stream) Received() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.received)
}

// receive records data of the request. Unless the server has stopped reading, it enlarges the windows by the same size.
func (s *Stream) receive(data []byte, last bool) {
	s.mu.Lock()
	s.received = append(s.received, data...)
	stalled := s.stalled
	first := last && !s.ended
	s.ended = s.ended || last
	s.mu.Unlock()
	if n := uint32(len(data)); n > 0 && !stalled { //nolint:gosec // at most a frame
		s.conn.write(func(f *http2.Framer) error {
			_ = f.WriteWindowUpdate(0, n)
			return f.WriteWindowUpdate(s.id, n)
		})
	}
	if first {
		close(s.requestDone)
	}
}

// Headers sends the response headers, given as names and values in turn. Unless the
// first name is :status, Headers adds the usual headers of a gRPC response before them.
func (s *Stream) Headers(pairs ...string) { s.fields(false, true, pairs) }

// TrailersOnly sends headers that end the response, without a body.
func (s *Stream) TrailersOnly(pairs ...string) { s.fields(true, true, pairs) }

// Trailers sends trailers, which end the response.
func (s *Stream) Trailers(pairs ...string) { s.fields(true, false, pairs) }

// fields sends a header block. last ends the response; head means the first block, to
// which the usual headers are added.
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

// Data sends bytes of the body. If last is set, the response ends without trailers.
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

// Framed returns a message after its gRPC prefix.
func Framed(message []byte) []byte { return append(Prefix(len(message)), message...) }

// Prefix returns the gRPC prefix of an uncompressed message of the given length
// in bytes.
func Prefix(length int) []byte {
	return binary.BigEndian.AppendUint32([]byte{0}, uint32(length)) //nolint:gosec // a length in a test
}

// Respond sends a complete, successful response.
func (s *Stream) Respond(message []byte) {
	s.Headers()
	s.Data(Framed(message), false)
	s.Trailers("grpc-status", "0")
}

// Reset sends RST_STREAM with an HTTP/2 error code.
func (s *Stream) Reset(code http2.ErrCode) {
	s.conn.write(func(f *http2.Framer) error { return f.WriteRSTStream(s.id, code) })
}

// Refuse sends GOAWAY with a last stream id below that of this call: the server has
// processed neither this call nor later ones.
func (s *Stream) Refuse(code http2.ErrCode, debug string) {
	s.conn.goAway(s.id-min(s.id, 2), code, debug) // a client uses every second id
}

// GoAway sends GOAWAY with this call as the last one that the server processes on the
// connection.
func (s *Stream) GoAway(code http2.ErrCode, debug string) { s.conn.goAway(s.id, code, debug) }

// Cut closes the connection of the call immediately, without GOAWAY.
func (s *Stream) Cut() { _ = s.conn.conn.Close() }

// Wait waits for a duration. It returns false if the call ends first.
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

// Serve responds to the call with the handler of the [Server].
func (s *Stream) Serve() { s.conn.raw.server.respond(s) }

// respond responds to a call with the handler of its method.
func (s *Server) respond(stream *Stream) {
	handler := s.Handler(stream.Method)
	if handler == nil {
		stream.TrailersOnly("grpc-status", "12")
		return
	}
	response, err := handler(stream.ctx, stream.Request())
	if err != nil {
		st := status.Convert(err)
		stream.TrailersOnly("grpc-status", strconv.Itoa(int(st.Code())), "grpc-message", st.Message())
		return
	}
	stream.Respond(response)
}
