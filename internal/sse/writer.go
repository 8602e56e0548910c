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

// keepAlive is the maximum time without a write. It must be well below one minute, after
// which common proxies close an idle connection.
const keepAlive = 15 * time.Second

// The parts of a stream that are not events: the time in milliseconds after which a
// client reconnects, and the comment that keeps the connection alive. Neither is
// followed by a blank line, because common parsers return an empty event for a block
// that has no data.
const (
	retryField  = "retry: 1000\n"
	commentLine = ":\n"
)

// Writer writes the events of one stream, and a comment whenever nothing else was
// written for 15 seconds. A timer writes the comments, so that an idle stream needs no
// second goroutine. It is safe for concurrent use.
type Writer struct {
	onError func(error)

	mu      sync.Mutex
	w       http.ResponseWriter // nil after Close
	idle    *time.Timer         // writes the next comment
	started bool                // whether an event was sent
}

// NewWriter sends the header of the response and returns a writer for its body,
// which must be closed. onError receives the error of a comment that could not be
// written: while there are no events, only comments detect that the client has
// disconnected. It runs in the goroutine of the timer. An error of the header is not
// reported, because the first event or comment fails too.
func NewWriter(w http.ResponseWriter, onError func(error)) *Writer {
	h := w.Header()
	h.Set("Content-Type", ContentType)
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back until its buffer is full
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
	s := &Writer{w: w, onError: onError}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = time.AfterFunc(keepAlive, s.comment)
	return s
}

// Send sends an event. It calls write with a buffered writer, and then sends the buffer
// to the client. If write fails, Send sends nothing. The first call also asks the client
// to wait one second before it reconnects. After [Writer.Close], Send does nothing.
func (s *Writer) Send(write func(w io.Writer) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started {
		return s.send(write)
	}
	err := s.send(func(w io.Writer) error {
		if _, err := io.WriteString(w, retryField); err != nil {
			return err
		}
		return write(w)
	})
	s.started = err == nil
	return err
}

// SendEvent sends an event without an id. Neither name nor data may contain a line
// break.
func (s *Writer) SendEvent(name, data string) error {
	return s.Send(writeText("event: " + name + "\ndata: " + data + "\n\n"))
}

// comment sends the keep-alive comment.
func (s *Writer) comment() {
	s.mu.Lock()
	err := s.send(writeText(commentLine))
	s.mu.Unlock()
	if err != nil {
		s.onError(err)
	}
}

func writeText(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

// send writes to the client and restarts the timer. The caller holds the lock.
func (s *Writer) send(write func(w io.Writer) error) error {
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

// Close stops the writer. It writes nothing afterwards, because the
// ResponseWriter must not be used after its handler has returned. A second call
// does nothing.
func (s *Writer) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.w = nil
	s.idle.Stop()
}
