package sse

import (
	"bufio"
	"io"
	"net/http"
	"sync"
	"time"
)

// ContentType is the media type of a stream.
const ContentType = "text/event-stream"

// keepAlive is the longest time that a stream is silent. It must be well below
// the minute after which proxies close an idle connection.
const keepAlive = 15 * time.Second

// The blocks of a stream that are no events: the time in milliseconds after
// which a client reconnects, and the comment that keeps the connection alive.
const (
	retryBlock   = "retry: 1000\n\n"
	commentBlock = ":\n\n"
)

// Writer writes one stream, and a comment whenever nothing else was written
// for 15 seconds. A timer writes the comments, so a stream that waits costs no
// goroutine but its request's. It is safe for concurrent use.
type Writer struct {
	onError func(error)

	mu   sync.Mutex
	w    http.ResponseWriter // nil once the stream is closed
	idle *time.Timer
}

// NewWriter sends the response's header and returns a writer of its body, which
// must be closed. onError receives the error of a comment that could not be
// written: without events, nothing else would notice that the client has left.
// It runs on a goroutine of its own.
func NewWriter(w http.ResponseWriter, onError func(error)) *Writer {
	h := w.Header()
	h.Set("Content-Type", ContentType)
	h.Set("X-Accel-Buffering", "no") // nginx would collect events until its buffer is full
	w.WriteHeader(http.StatusOK)
	s := &Writer{w: w, onError: onError}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = time.AfterFunc(keepAlive, s.comment)
	return s
}

// Send calls write with a buffered writer, and flushes what it wrote to the
// client. After [Writer.Close] it does nothing.
func (s *Writer) Send(write func(w io.Writer) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.w == nil {
		return nil
	}
	s.idle.Stop()
	defer s.idle.Reset(keepAlive)
	buffered := bufio.NewWriter(s.w)
	if err := write(buffered); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	return http.NewResponseController(s.w).Flush()
}

// SendRetry asks the client to reconnect one second after a disconnect.
func (s *Writer) SendRetry() error { return s.sendText(retryBlock) }

// SendEvent sends an event without an id. Neither name nor data may hold a line
// break.
func (s *Writer) SendEvent(name, data string) error {
	return s.sendText("event: " + name + "\ndata: " + data + "\n\n")
}

func (s *Writer) sendText(block string) error {
	return s.Send(func(w io.Writer) error {
		_, err := io.WriteString(w, block)
		return err
	})
}

func (s *Writer) comment() {
	if err := s.sendText(commentBlock); err != nil {
		s.onError(err)
	}
}

// Close ends the writer: nothing is written afterwards, since the response
// belongs to the server again when its handler returns. Close may be called
// more than once.
func (s *Writer) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.w = nil
	s.idle.Stop()
}
