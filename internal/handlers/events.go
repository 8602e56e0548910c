package handlers

import (
	"bufio"
	"io"
	"net/http"
	"sync"
	"time"
)

// contentTypeEvents is that of server-sent events (HTML standard, section 9.2).
const contentTypeEvents = "text/event-stream"

// keepAlive is how long a stream is silent at most. It must be well below the
// minute after which proxies take a connection for dead.
const keepAlive = 15 * time.Second

// The blocks of a stream that are no events: when to come again after a cut, in
// milliseconds, and the comment that fills silence.
const (
	retryBlock   = "retry: 1000\n\n"
	commentBlock = ":\n\n"
)

// eventWriter writes a stream of server-sent events, and a comment whenever
// there was nothing to write for a while. The comments come from a timer: a
// stream that waits costs no goroutine but its request's.
type eventWriter struct {
	// failed is told that a comment could not be written: nobody else would
	// notice while there are no events.
	failed func(error)

	mu   sync.Mutex
	w    http.ResponseWriter // nil when the stream is over
	idle *time.Timer
}

// newEventWriter begins the answer. It must be closed.
func newEventWriter(w http.ResponseWriter, failed func(error)) *eventWriter {
	h := w.Header()
	h.Set("Content-Type", contentTypeEvents)
	h.Set("X-Accel-Buffering", "no") // nginx would keep events until it has a buffer of them
	w.WriteHeader(http.StatusOK)
	e := &eventWriter{w: w, failed: failed}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.idle = time.AfterFunc(keepAlive, e.comment)
	return e
}

// send writes what write writes, and sends it at once.
func (e *eventWriter) send(write func(w io.Writer) error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.w == nil {
		return nil
	}
	e.idle.Stop()
	defer e.idle.Reset(keepAlive)
	buffered := bufio.NewWriter(e.w)
	if err := write(buffered); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	return http.NewResponseController(e.w).Flush()
}

// stringPayload is send of a block that is there already.
func (e *eventWriter) text(block string) error {
	return e.send(func(w io.Writer) error {
		_, err := io.WriteString(w, block)
		return err
	})
}

func (e *eventWriter) comment() {
	if err := e.text(commentBlock); err != nil {
		e.failed(err)
	}
}

// close makes sure that nothing is written any more: the answer is the
// server's again when its handler returns.
func (e *eventWriter) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.w = nil
	e.idle.Stop()
}
