package server

import (
	"io"
	"net/http"
	"strings"
	"time"
)

// recorder is the one wrapper around a ResponseWriter: it notes what was sent
// and bounds the time for it, so that a client who stops reading, or reads
// slowly, holds nothing for long.
//
// Each write has its time. In all, a client may keep us waiting for as long as
// one write and the least rate allow for what it has taken. The time between
// writes is ours and does not count: waits and streams of events are long by
// nature. All responses but those streams also have an end.
type recorder struct {
	http.ResponseWriter
	timeout time.Duration // of a write
	budget  time.Duration // of the request, from begin
	begin   time.Time
	hangUp  func() // closes the connection, of HTTP/2; else nil

	largeBody bool // the request's body is more than net/http reads on after an answer
	status    int
	bytes     int64
	failed    error // of the first write that was not taken

	extended time.Time     // when the deadline of writes was set
	end      time.Time     // of the response; zero for none
	blocked  time.Duration // in writes, in all
}

// leastRate is that at which a client must take a response in the long run, in
// bytes a second.
const leastRate = 32 << 10

// hangUpGrace is the time that HTTP/2 has to end a stream after its deadline.
// That takes a frame, which a connection that takes nothing does not let out.
const hangUpGrace = 5 * time.Second

// buffered is the size of a write that is never sent before there is more, in
// HTTP/2 of net/http.
const buffered = 4 << 10

// largeBodyBytes is what net/http reads of a body that no handler has read.
const largeBodyBytes = 256 << 10

// What is read of a large body that was refused, so that a client that writes
// all before it reads finds the answer and not a broken pipe.
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
		_ = http.NewResponseController(r.ResponseWriter).EnableFullDuplex() // HTTP/1: else the body is closed before the answer
		r.Header().Set("Connection", "close")                               // its rest must not pass for the next request
	}
	r.extend(now)
	r.ResponseWriter.WriteHeader(status)
}

// limit sets the end of the response, which begins.
func (r *recorder) limit(now time.Time) {
	if strings.HasPrefix(r.Header().Get("Content-Type"), "text/event-stream") {
		return
	}
	r.end = r.begin.Add(r.budget)
	if last := now.Add(r.timeout); last.After(r.end) {
		r.end = last
	}
}

// discard reads the rest of a large body that was refused, for a while.
func (r *recorder) discard(body io.Reader) {
	if !r.largeBody || r.status < http.StatusBadRequest {
		return
	}
	control := http.NewResponseController(r.ResponseWriter)
	_ = control.Flush()
	_ = control.SetReadDeadline(time.Now().Add(discardTime))
	_, _ = io.CopyN(io.Discard, body, discardBytes)
}

// pieceBytes is how much is written at once. Each piece has a deadline of its
// own: one for a large response in one write would cut a client that reads
// faster than the least rate.
const pieceBytes = 64 << 10

func (r *recorder) Write(p []byte) (written int, err error) {
	for len(p) > pieceBytes {
		n, err := r.writePiece(p[:pieceBytes])
		written += n
		if err != nil {
			return written, err
		}
		p = p[pieceBytes:]
	}
	n, err := r.writePiece(p)
	return written + n, err
}

func (r *recorder) writePiece(p []byte) (int, error) {
	now := time.Now()
	if r.status == 0 {
		r.status = http.StatusOK
		r.limit(now)
	}
	r.extend(now)
	if len(p) >= buffered {
		stop := r.guard(now)
		defer stop()
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	r.account(now, err)
	return n, err
}

// FlushError sends what was written. There may be nothing to write for long
// after it, which the deadline of a write is not for: HTTP/2 would end the
// answer when it passes.
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

// account notes how a write ended that began at begin.
func (r *recorder) account(begin time.Time, err error) {
	r.blocked += time.Since(begin)
	if err != nil && r.failed == nil {
		r.failed = err
	}
}

// extend gives what is written next its time. An answer of one piece needs it
// once.
func (r *recorder) extend(now time.Time) {
	const often = time.Second / 10
	if now.Sub(r.extended) < min(often, r.timeout/10) {
		return
	}
	r.extended = now
	_ = http.NewResponseController(r.ResponseWriter).SetWriteDeadline(r.deadline(now))
}

// deadline is that of a write that begins now.
func (r *recorder) deadline(now time.Time) time.Time {
	taken := time.Duration(r.bytes) * (time.Second / leastRate)
	deadline := now.Add(min(r.timeout, r.timeout+taken-r.blocked))
	if !r.end.IsZero() && r.end.Before(deadline) {
		return r.end
	}
	return deadline
}

// guard closes the connection if a write hangs beyond its deadline. It returns
// what ends it.
func (r *recorder) guard(now time.Time) (stop func()) {
	if r.hangUp == nil {
		return func() {}
	}
	timer := time.AfterFunc(r.deadline(now).Sub(now)+hangUpGrace, r.hangUp)
	return func() { timer.Stop() }
}
