package server

import (
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
	status  int
	bytes   int64
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.status = status
	}
	r.extend()
	r.ResponseWriter.WriteHeader(status)
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

func (r *recorder) extend() {
	_ = http.NewResponseController(r.ResponseWriter).SetWriteDeadline(time.Now().Add(r.timeout))
}
