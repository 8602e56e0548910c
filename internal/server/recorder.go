package server

import (
	"io"
	"net/http"
	"strings"
	"time"
)

// recorder is the only wrapper of a ResponseWriter. It records the response and
// limits the time to write it, so that a client that stops reading or reads slowly
// does not hold resources for long.
//
// Each write has a timeout. In total, writes may be blocked for the time of one
// timeout plus the time that a client at minRate needs for the bytes that it has
// received. The time between writes does not count, because waits and event streams
// are long by design. All responses except event streams also have a final deadline.
type recorder struct {
	http.ResponseWriter
	timeout    time.Duration // of a write
	budget     time.Duration // of the request, from begin
	begin      time.Time
	disconnect func() // closes the connection of an HTTP/2 stream; nil in HTTP/1

	largeBody bool // the request body is larger than what net/http discards after a response
	status    int
	bytes     int64
	failed    error // of the first failed write

	extended time.Time     // when the write deadline was set last
	end      time.Time     // final deadline of the response; zero for none
	blocked  time.Duration // total time of all writes
}

// minRate is the minimum average rate of reading a response, in bytes per second.
const minRate = 32 << 10

// disconnectGrace is the time that net/http has to reset an HTTP/2 stream after its
// write deadline. The reset is a frame, which cannot be sent if the client does not
// read from the connection at all.
const disconnectGrace = 5 * time.Second

// http2Buffer is the size of the buffer of an HTTP/2 response in net/http. A smaller
// write usually stays in the buffer and does not block.
const http2Buffer = 4 << 10

// largeBodyBytes is the maximum that net/http reads of a body after the handler.
const largeBodyBytes = 256 << 10

// The limits of reading a large body that was rejected. Without reading it, a client
// that sends its whole body before it reads would see a broken pipe instead of the
// response.
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
		r.limit(now)
	}
	if r.largeBody && status >= http.StatusBadRequest {
		_ = http.NewResponseController(r.ResponseWriter).EnableFullDuplex() // otherwise HTTP/1 closes the body before the response
		r.Header().Set("Connection", "close")                               // the rest of the body must not be parsed as a request
	}
	r.extend(now)
	r.ResponseWriter.WriteHeader(status)
}

// limit sets the final deadline when the response begins.
func (r *recorder) limit(now time.Time) {
	if strings.HasPrefix(r.Header().Get("Content-Type"), "text/event-stream") {
		return
	}
	r.end = r.begin.Add(r.budget)
	if last := now.Add(r.timeout); last.After(r.end) {
		r.end = last
	}
}

// discard reads the rest of a large body that was rejected, within its limits.
func (r *recorder) discard(body io.Reader) {
	if !r.largeBody || r.status < http.StatusBadRequest {
		return
	}
	control := http.NewResponseController(r.ResponseWriter)
	_ = control.Flush()
	_ = control.SetReadDeadline(time.Now().Add(discardTime))
	_, _ = io.CopyN(io.Discard, body, discardBytes)
}

// chunkBytes is the maximum size of one write. Each chunk has its own deadline. With
// one deadline for a large write, a client that reads faster than minRate could be
// disconnected.
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
		r.limit(now)
	}
	r.extend(now)
	if len(p) >= http2Buffer {
		stop := r.guard(now)
		defer stop()
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	r.account(now, err)
	return n, err
}

// FlushError flushes the response and clears the write deadline: the next write may
// be much later, and HTTP/2 would reset the stream when the deadline passes.
func (r *recorder) FlushError() error {
	now := time.Now()
	r.extend(now)
	control := http.NewResponseController(r.ResponseWriter)
	stop := r.guard(now)
	defer stop()
	err := control.Flush()
	r.account(now, err)
	if err == nil {
		err = control.SetWriteDeadline(time.Time{})
		r.extended = time.Time{}
	}
	return err
}

// account records the time and the error of a write that started at begin.
func (r *recorder) account(begin time.Time, err error) {
	r.blocked += time.Since(begin)
	if err != nil && r.failed == nil {
		r.failed = err
	}
}

// extend sets the deadline of the next write. It skips that if the deadline was set
// a moment ago, which saves a call in most responses.
func (r *recorder) extend(now time.Time) {
	const interval = time.Second / 10
	if now.Sub(r.extended) < min(interval, r.timeout/10) {
		return
	}
	r.extended = now
	_ = http.NewResponseController(r.ResponseWriter).SetWriteDeadline(r.deadline(now))
}

// deadline returns the deadline of a write that starts now.
func (r *recorder) deadline(now time.Time) time.Time {
	allowed := time.Duration(r.bytes) * (time.Second / minRate)
	deadline := now.Add(min(r.timeout, r.timeout+allowed-r.blocked))
	if !r.end.IsZero() && r.end.Before(deadline) {
		return r.end
	}
	return deadline
}

// guard closes the connection if a write is still blocked after its deadline and the
// grace period. stop must be called after the write.
func (r *recorder) guard(now time.Time) (stop func()) {
	if r.disconnect == nil {
		return func() {}
	}
	timer := time.AfterFunc(r.deadline(now).Sub(now)+disconnectGrace, r.disconnect)
	return func() { timer.Stop() }
}
