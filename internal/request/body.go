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

// bodyGrace is the initial time during which no minimum rate applies to a body.
const bodyGrace = 5 * time.Second

// minBodyRate is the minimum rate of a body after bodyGrace, in bytes per second. Without
// it, a slow upload would occupy a connection until [Bodies.Timeout].
const minBodyRate = 8 << 10

// bodyFactor is the ratio of the memory reserved for a body to its size. Besides the body
// itself, the values decoded from it and the message to the Temporal server need memory;
// together they are about as large as the body.
const bodyFactor = 2

// minReservation is the memory, in bytes, that is reserved before a body is read. It
// covers the connection, the goroutine and the first buffer.
const minReservation = 32 << 10

// Bodies reads the bodies of requests within limits of size, time and memory.
type Bodies struct {
	// Max is the maximum size of a body, in bytes.
	Max int64
	// Timeout is the maximum time in which a complete body must arrive.
	Timeout time.Duration
	// Memory limits the memory for all bodies and for the messages that are built from
	// them, in total and for each caller.
	Memory *limit.Bytes
}

// Read reads the body of a request to its end. The returned reservation is for the body
// and the message that is built from it; the caller must release it. After a complete
// body, Read removes the read deadline of the connection, because the request may wait
// for a long time. After an incomplete body it keeps the deadline, so that a client that
// sends the rest slowly cannot keep the connection open. Errors are [problem.Error]s.
func (b *Bodies) Read(w http.ResponseWriter, r *http.Request, caller *auth.Principal) ([]byte, limit.Reservation, error) {
	if r.ContentLength > b.Max {
		return nil, limit.Reservation{}, tooLarge(b.Max)
	}
	if r.Body == nil || r.Body == http.NoBody {
		return nil, limit.Reservation{}, nil
	}
	held, err := b.Memory.Reserve(r.Context(), caller.Account(), caller.Share, minReservation)
	if err != nil {
		return nil, limit.Reservation{}, err
	}
	reader := bodyReader{bodies: b, request: r, controller: http.NewResponseController(w), begin: time.Now(), held: held}
	reader.setDeadline(bodyGrace) // counted from begin, which does not include the time that Reserve took
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
	_ = reader.controller.SetReadDeadline(time.Time{})
	return reader.body, reader.held, nil
}

type bodyReader struct {
	bodies     *Bodies
	request    *http.Request
	controller *http.ResponseController
	begin      time.Time

	held       limit.Reservation
	body       []byte
	extendedAt int64 // the size of body, in bytes, when the read deadline was last extended
}

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

// initialSize returns the size of the first buffer, in bytes. It allocates no more than
// minReservation, because a client can announce a large body and never send it.
func (b *bodyReader) initialSize() int64 {
	const sizeIfUnknown = 4 << 10
	announced := b.request.ContentLength
	if announced < 0 {
		return sizeIfUnknown
	}
	return min(announced+1, minReservation) // one more byte, to read the EOF without growing
}

// grow doubles the buffer. It reserves the memory before it allocates the buffer.
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

// reserve changes the reservation to what a body of size bytes needs.
func (b *bodyReader) reserve(size int) error {
	bytes := int64(bodyFactor * size)
	if more := bytes - b.held.Bytes(); more > 0 {
		return b.held.Grow(b.request.Context(), more)
	}
	b.held.Fit(bytes) // always succeeds, because the reservation does not grow
	return nil
}

// extendDeadline extends the read deadline to what the received bytes permit at the
// minimum rate. It does so only when the size of the body has doubled since the last
// extension, because setting a deadline costs more than a read.
func (b *bodyReader) extendDeadline() {
	received := int64(len(b.body))
	if received < max(minBodyRate, 2*b.extendedAt) {
		return
	}
	b.extendedAt = received
	b.setDeadline(bodyGrace + time.Duration(received)*time.Second/minBodyRate)
}

// setDeadline sets the read deadline to d after begin, at most to [Bodies.Timeout].
func (b *bodyReader) setDeadline(d time.Duration) {
	_ = b.controller.SetReadDeadline(b.begin.Add(min(b.bodies.Timeout, d)))
}

// readError converts an error from reading the body to a problem.
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
