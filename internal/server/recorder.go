package server

import (
	"io"
	"net/http"
	"time"
)

// recorder is the one wrapper around a ResponseWriter: it notes what was sent
// and gives each write a deadline, so that a caller who stops reading holds
// nothing for longer. There is no deadline for the whole answer, because waits
// and streams are long by nature.
type recorder struct {
	http.ResponseWriter
	timeout time.Duration
	large   bool // the request's body is more than net/http reads on after an answer
	status  int
	bytes   int64

	extended time.Time // when the deadline of writes was set
}

// largeBody is what net/http reads of a body that no handler has read.
const largeBody = 256 << 10

// What is read of a large body that was refused, so that a client that writes
// all before it reads finds the answer and not a broken pipe.
const (
	discardBytes = 16 << 20
	discardTime  = 2 * time.Second
)

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.status = status
	}
	if r.large && status >= http.StatusBadRequest {
		_ = http.NewResponseController(r.ResponseWriter).EnableFullDuplex() // HTTP/1: else the body is closed before the answer
		r.Header().Set("Connection", "close")                               // its rest must not pass for the next request
	}
	r.extend()
	r.ResponseWriter.WriteHeader(status)
}

// discard reads the rest of a large body that was refused, for a while.
func (r *recorder) discard(body io.Reader) {
	if !r.large || r.status < http.StatusBadRequest {
		return
	}
	control := http.NewResponseController(r.ResponseWriter)
	_ = control.Flush()
	_ = control.SetReadDeadline(time.Now().Add(discardTime))
	_, _ = io.CopyN(io.Discard, body, discardBytes)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	r.extend()
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

// FlushError sends what was written. There may be nothing to write for long
// after it, which the deadline of a write is not for: HTTP/2 would end the
// answer when it passes.
func (r *recorder) FlushError() error {
	r.extend()
	control := http.NewResponseController(r.ResponseWriter)
	err := control.Flush()
	if err == nil {
		err = control.SetWriteDeadline(time.Time{})
		r.extended = time.Time{}
	}
	return err
}

// extend gives what is written next its time. An answer of one piece needs it
// once.
func (r *recorder) extend() {
	const often = time.Second / 10
	now := time.Now()
	if now.Sub(r.extended) < min(often, r.timeout/10) {
		return
	}
	r.extended = now
	_ = http.NewResponseController(r.ResponseWriter).SetWriteDeadline(now.Add(r.timeout))
}
