package server

import (
	"io"
	"net/http"
	"strings"
	"time"
)

// recorder wraps the ResponseWriter of every request. It records the response and limits the time to write it, so that
// a client that stops reading or reads slowly does not hold resources for long.
//
// Each write has a timeout. The total time of all writes is limited to one timeout, plus the time that the bytes
// written so far take at minRate. The time between writes does not count, because waits and event streams are long by
// design. All responses except event streams also have a final deadline.
type recorder struct {
	http.ResponseWriter
	timeout    time.Duration // of a write
	budget     time.Duration // maximum time from started to the end of the response
	started    time.Time     // when the request started
	disconnect func()        // closes the connection of an HTTP/2 stream; nil in HTTP/1

	largeBody bool // the request body is larger than what net/http discards after a response
	status    int
	bytes     int64
	writeErr  error // error of the first failed write

	deadlineSetAt time.Time     // when the write deadline was last set; zero if it is not set
	finalDeadline time.Time     // zero for an event stream
	writing       time.Duration // total time of all writes
}

// minRate is the minimum average rate of reading a response, in bytes per second.
const minRate = 32 << 10

// disconnectGrace is the time that net/http has to reset an HTTP/2 stream after its write deadline. If the client does
// not read from the connection at all, net/http cannot send RST_STREAM. The recorder then closes the connection.
const disconnectGrace = 5 * time.Second

// http2Buffer is the size of net/http's buffer for an HTTP/2 response. A smaller write usually stays in the buffer and
// does not block.
const http2Buffer = 4 << 10

// largeBodyBytes is the maximum number of bytes that net/http reads from a body after the handler has returned.
const largeBodyBytes = 256 << 10

// The limits on reading the rest of a large body after its request was rejected. If the gateway did not read it, a
// client that sends the complete body before it reads would see a broken pipe instead of the response.
const (
	discardBytes = 16 << 20
	discardTime  = 2 * time.Second
)

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) WriteHeader(status int) {
	now := time.Now()
	if r.status == 0 && status >= http.StatusOK {
		r.status = status
		r.setFinalDeadline(now)
	}
	if r.largeBody && status >= http.StatusBadRequest {
		_ = http.NewResponseController(r.ResponseWriter).EnableFullDuplex() // otherwise net/http closes an HTTP/1 body before it responds
		r.Header().Set("Connection", "close")                               // the rest of the body must not be parsed as a request
	}
	r.setWriteDeadline(now)
	r.ResponseWriter.WriteHeader(status)
}

// setFinalDeadline sets the final deadline when the response begins. A response that begins after the budget has nearly
// elapsed still has the time of one write.
func (r *recorder) setFinalDeadline(now time.Time) {
	if strings.HasPrefix(r.Header().Get("Content-Type"), "text/event-stream") {
		return
	}
	r.finalDeadline = r.started.Add(r.budget)
	if oneWrite := now.Add(r.timeout); oneWrite.After(r.finalDeadline) {
		r.finalDeadline = oneWrite
	}
}

// discard reads the rest of a large body after its request was rejected.
func (r *recorder) discard(body io.Reader) {
	if !r.largeBody || r.status < http.StatusBadRequest {
		return
	}
	control := http.NewResponseController(r.ResponseWriter)
	_ = control.Flush()
	_ = control.SetReadDeadline(time.Now().Add(discardTime))
	_, _ = io.CopyN(io.Discard, body, discardBytes)
}

// chunkBytes is the maximum size of one write. Each chunk has its own deadline. With one deadline for a large write, a
// client that reads faster than minRate could be disconnected.
const chunkBytes = 64 << 10

func (r *recorder) Write(p []byte) (written int, err error) {
	for len(p) > chunkBytes {
		n, err := r.writeChunk(p[:chunkBytes])
		written += n
		if err != nil {
			return written, err
		}
		p = p[chunkBytes:]
	}
	n, err := r.writeChunk(p)
	return written + n, err
}

func (r *recorder) writeChunk(p []byte) (int, error) {
	now := time.Now()
	if r.status == 0 {
		r.status = http.StatusOK
		r.setFinalDeadline(now)
	}
	r.setWriteDeadline(now)
	if len(p) >= http2Buffer {
		stop := r.disconnectIfBlocked(now)
		defer stop()
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	r.recordWrite(now, err)
	return n, err
}

// FlushError flushes the response and clears the write deadline: the next write may be much later, and net/http would
// reset an HTTP/2 stream at the deadline.
func (r *recorder) FlushError() error {
	now := time.Now()
	r.setWriteDeadline(now)
	control := http.NewResponseController(r.ResponseWriter)
	stop := r.disconnectIfBlocked(now)
	defer stop()
	err := control.Flush()
	r.recordWrite(now, err)
	if err == nil {
		err = control.SetWriteDeadline(time.Time{})
		r.deadlineSetAt = time.Time{}
	}
	return err
}

// recordWrite records the duration and the error of a write that started at start.
func (r *recorder) recordWrite(start time.Time, err error) {
	r.writing += time.Since(start)
	if err != nil && r.writeErr == nil {
		r.writeErr = err
	}
}

// setWriteDeadline sets the deadline of the next write. It keeps a deadline that was set a moment ago, which saves a
// call in most responses.
func (r *recorder) setWriteDeadline(now time.Time) {
	const interval = time.Second / 10
	if now.Sub(r.deadlineSetAt) < min(interval, r.timeout/10) {
		return
	}
	r.deadlineSetAt = now
	_ = http.NewResponseController(r.ResponseWriter).SetWriteDeadline(r.deadline(now))
}

// deadline returns the deadline of a write that starts now.
func (r *recorder) deadline(now time.Time) time.Time {
	atMinRate := time.Duration(r.bytes) * (time.Second / minRate)
	deadline := now.Add(min(r.timeout, r.timeout+atMinRate-r.writing))
	if !r.finalDeadline.IsZero() && r.finalDeadline.Before(deadline) {
		return r.finalDeadline
	}
	return deadline
}

// disconnectIfBlocked closes the connection of an HTTP/2 stream if a write is still blocked disconnectGrace after its
// deadline. stop must be called after the write.
func (r *recorder) disconnectIfBlocked(now time.Time) (stop func()) {
	if r.disconnect == nil {
		return func() {}
	}
	timer := time.AfterFunc(r.deadline(now).Sub(now)+disconnectGrace, r.disconnect)
	return func() { timer.Stop() }
}
