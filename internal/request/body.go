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

// bodyGrace is how long a body may arrive before its rate counts.
const bodyGrace = 5 * time.Second

// bodyRate is the least rate of a body after its grace, in bytes a second. An
// announced body that does not come costs its sender a connection and us
// little, but not for as long as a slow upload may take.
const bodyRate = 8 << 10

// bodyCopies is how often the bytes of a body count: the values that are decoded
// from it, and the message to the Temporal server, are together as large again.
const bodyCopies = 2

// bodyFloor is what a body that arrives counts as at least, in bytes: as much as
// its connection and its goroutine take.
const bodyFloor = 32 << 10

// Bodies reads the bodies of requests within bounds of size, time and memory.
type Bodies struct {
	// Max bounds one body, in bytes.
	Max int64
	// Timeout is the time for a whole body.
	Timeout time.Duration
	// Held bounds the bytes of all bodies, and of what is built from them, in all
	// and for each caller.
	Held *limit.Bytes
}

// Read takes the whole body of a caller's request. What it holds, and the message
// that is built from it, stays reserved until the caller of Read releases it. The
// connection's read deadline is lifted once the body is there, because what
// follows may wait for long, and stays on a body that is not, so that the rest of
// it cannot hold the connection. Errors are [problem.Error]s.
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
	arriving := arrival{bodies: b, request: r, control: http.NewResponseController(w), begin: time.Now(), held: held}
	arriving.allow(bodyGrace) // not before: what we do until then is not the client's time
	if err = arriving.read(); err == nil {
		err = arriving.reserve(len(arriving.body))
	}
	if err != nil {
		arriving.held.Release()
		if problem.Is(err, problem.RequestTimeout) || problem.Is(err, problem.InvalidRequest) {
			w.Header().Set("Connection", "close")
		}
		return nil, limit.Reservation{}, err
	}
	_ = arriving.control.SetReadDeadline(time.Time{})
	return arriving.body, arriving.held, nil
}

// arrival is a body on its way.
type arrival struct {
	bodies  *Bodies
	request *http.Request
	control *http.ResponseController
	begin   time.Time

	held     limit.Reservation
	body     []byte
	credited int64 // bytes that the read deadline allows for
}

// read reads to the end.
func (a *arrival) read() error {
	limited := io.LimitReader(a.request.Body, a.bodies.Max+1)
	a.body = make([]byte, 0, a.first())
	for {
		n, err := limited.Read(a.body[len(a.body):cap(a.body)])
		a.body = a.body[:len(a.body)+n]
		switch {
		case int64(len(a.body)) > a.bodies.Max:
			return tooLarge(a.bodies.Max)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return unread(err)
		}
		a.credit()
		if len(a.body) == cap(a.body) {
			if err := a.grow(); err != nil {
				return err
			}
		}
	}
}

// first is the size to begin with. The length that is announced saves growing, as
// far as it costs little to believe it.
func (a *arrival) first() int64 {
	const unknown = 4 << 10
	announced := a.request.ContentLength
	if announced < 0 {
		return unknown
	}
	return min(announced+1, bodyFloor) // one more, to find the end
}

// grow makes room for as much again, and counts it before it is there.
func (a *arrival) grow() error {
	size := min(2*cap(a.body), int(a.bodies.Max)+1)
	if err := a.reserve(size); err != nil {
		return err
	}
	body := make([]byte, len(a.body), size)
	copy(body, a.body)
	a.body = body
	return nil
}

// reserve counts a body of size bytes.
func (a *arrival) reserve(size int) error {
	bytes := int64(bodyCopies * size)
	if more := bytes - a.held.Bytes(); more > 0 {
		return a.held.Grow(a.request.Context(), more)
	}
	a.held.Fit(bytes) // less than before always fits
	return nil
}

// credit prolongs the read deadline by the time that the bytes that have arrived
// may take. It does so when there are twice as many as before: a deadline for
// each read would cost more than the read.
func (a *arrival) credit() {
	arrived := int64(len(a.body))
	if arrived < max(bodyRate, 2*a.credited) {
		return
	}
	a.credited = arrived
	a.allow(bodyGrace + time.Duration(arrived)*time.Second/bodyRate)
}

// allow sets the read deadline, from the begin of the body.
func (a *arrival) allow(d time.Duration) {
	_ = a.control.SetReadDeadline(a.begin.Add(min(a.bodies.Timeout, d)))
}

// unread says why a body could not be read.
func unread(err error) error {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return problem.New(problem.RequestTimeout, "The request body did not arrive in time.").WithCause(err)
	}
	return problem.New(problem.InvalidRequest, "The request body could not be read.").WithCause(err)
}

func tooLarge(limit int64) error {
	return problem.Newf(problem.PayloadTooLarge, "The request body is larger than %d bytes.", limit)
}
