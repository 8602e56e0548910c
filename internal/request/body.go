package request

import (
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/limit"
	"github.com/flowgate/flowgate/internal/problem"
)

// bodyGrace is the time in which a body may arrive at any rate.
const bodyGrace = 5 * time.Second

// bodyRate is the minimum rate of a body after bodyGrace, in bytes per second. It ends
// slow uploads that would otherwise occupy a connection for the whole timeout.
const bodyRate = 8 << 10

// bodyCopies is the number of times that a body counts: the values that are decoded
// from it and the message to the Temporal server are together as large as the body.
const bodyCopies = 2

// bodyFloor is the minimum that a body counts while it arrives, in bytes: the memory of
// its connection and its goroutine.
const bodyFloor = 32 << 10

// Bodies reads the bodies of requests within limits of size, time and memory.
type Bodies struct {
	// Max is the maximum size of a body, in bytes.
	Max int64
	// Timeout is the time for a whole body.
	Timeout time.Duration
	// Held limits the bytes of all bodies and of the messages that are built from
	// them, in total and for each caller.
	Held *limit.Bytes
}

// Read reads the whole body of a request. The returned reservation is for the body and
// the message that is built from it; the caller must release it. After a complete
// body, Read removes the read deadline of the connection, because the request may wait
// for a long time. After an incomplete body the deadline remains, so that the rest of
// the body cannot hold the connection. Errors are [problem.Error]s.
func (b *Bodies) Read(w http.ResponseWriter, r *http.Request, caller *auth.Principal) ([]byte, limit.Reservation, error) {
	if r.ContentLength > b.Max {
		return nil, limit.Reservation{}, tooLarge(b.Max)
	}
	if r.Body == nil || r.Body == http.NoBody {
		return nil, limit.Reservation{}, nil
	}
	held, err := b.Held.Reserve(r.Context(), caller.Account(), caller.Share, bodyFloor)
	if err != nil {
		return nil, limit.Reservation{}, err
	}
	reader := bodyReader{bodies: b, request: r, control: http.NewResponseController(w), begin: time.Now(), held: held}
	reader.setDeadline(bodyGrace) // from here on: the time before is not the client's
	if err = reader.read(); err == nil {
		err = reader.reserve(len(reader.body))
	}
	if err != nil {
		reader.held.Release()
		if problem.Is(err, problem.RequestTimeout) || problem.Is(err, problem.InvalidRequest) {
			w.Header().Set("Connection", "close")
		}
		return nil, limit.Reservation{}, err
	}
	_ = reader.control.SetReadDeadline(time.Time{})
	return reader.body, reader.held, nil
}

// bodyReader reads one body.
type bodyReader struct {
	bodies  *Bodies
	request *http.Request
	control *http.ResponseController
	begin   time.Time

	held     limit.Reservation
	body     []byte
	credited int64 // bytes for which the read deadline was extended
}

// read reads the body to its end.
func (b *bodyReader) read() error {
	limited := io.LimitReader(b.request.Body, b.bodies.Max+1)
	b.body = make([]byte, 0, b.initialSize())
	for {
		n, err := limited.Read(b.body[len(b.body):cap(b.body)])
		b.body = b.body[:len(b.body)+n]
		switch {
		case int64(len(b.body)) > b.bodies.Max:
			return tooLarge(b.bodies.Max)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return readError(err)
		}
		b.extendDeadline()
		if len(b.body) == cap(b.body) {
			if err := b.grow(); err != nil {
				return err
			}
		}
	}
}

// initialSize returns the size of the first buffer. It uses Content-Length only up to
// bodyFloor, because a client can announce a large body and never send it.
func (b *bodyReader) initialSize() int64 {
	const unknown = 4 << 10
	announced := b.request.ContentLength
	if announced < 0 {
		return unknown
	}
	return min(announced+1, bodyFloor) // one more byte, to read the EOF without growing
}

// grow doubles the buffer. It reserves the bytes before it allocates them.
func (b *bodyReader) grow() error {
	size := min(2*cap(b.body), int(b.bodies.Max)+1)
	if err := b.reserve(size); err != nil {
		return err
	}
	body := make([]byte, len(b.body), size)
	copy(body, b.body)
	b.body = body
	return nil
}

// reserve changes the reservation to that of a body of size bytes.
func (b *bodyReader) reserve(size int) error {
	bytes := int64(bodyCopies * size)
	if more := bytes - b.held.Bytes(); more > 0 {
		return b.held.Grow(b.request.Context(), more)
	}
	b.held.Fit(bytes) // a smaller reservation always fits
	return nil
}

// extendDeadline extends the read deadline by the time that the received bytes take at
// the minimum rate. It does so only when their number has doubled, because setting a
// deadline costs more than a read.
func (b *bodyReader) extendDeadline() {
	received := int64(len(b.body))
	if received < max(bodyRate, 2*b.credited) {
		return
	}
	b.credited = received
	b.setDeadline(bodyGrace + time.Duration(received)*time.Second/bodyRate)
}

// setDeadline sets the read deadline relative to the beginning of the body.
func (b *bodyReader) setDeadline(d time.Duration) {
	_ = b.control.SetReadDeadline(b.begin.Add(min(b.bodies.Timeout, d)))
}

// readError returns the problem for an error of a read.
func readError(err error) error {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return problem.New(problem.RequestTimeout, "The request body did not arrive in time.").WithCause(err)
	}
	return problem.New(problem.InvalidRequest, "The request body could not be read.").WithCause(err)
}

func tooLarge(limit int64) error {
	return problem.Newf(problem.PayloadTooLarge, "The request body is larger than %d bytes.", limit)
}
