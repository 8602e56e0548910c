package request

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/flowgate/flowgate/internal/problem"
)

// Body takes the whole body, within its bounds of size and time. The server in
// front has set the connection's read deadline; it is lifted once the body is
// there, because what follows may wait for long, and stays on a body that is
// not, so that the rest of it cannot hold the connection.
func Body(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	body, err := readAll(io.LimitReader(r.Body, limit+1), r.ContentLength)
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		w.Header().Set("Connection", "close")
		return nil, problem.New(problem.RequestTimeout, "The request body did not arrive in time.").Because(err)
	case err != nil:
		w.Header().Set("Connection", "close")
		return nil, problem.New(problem.InvalidRequest, "The request body could not be read.").Because(err)
	case int64(len(body)) > limit:
		return nil, tooLarge(limit)
	default:
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
		return body, nil
	}
}

// readAll reads to the end. The length that is announced saves growing, as far as
// it costs little to believe it.
func readAll(body io.Reader, announced int64) ([]byte, error) {
	const believed = 64 << 10
	if announced <= 0 || announced > believed {
		return io.ReadAll(body)
	}
	read := make([]byte, 0, announced+1) // one more, to find the end
	for len(read) < cap(read) {
		n, err := body.Read(read[len(read):cap(read)])
		read = read[:len(read)+n]
		switch {
		case errors.Is(err, io.EOF):
			return read, nil
		case err != nil:
			return read, err
		}
	}
	rest, err := io.ReadAll(body)
	return append(read, rest...), err
}

func tooLarge(limit int64) error {
	return problem.Newf(problem.PayloadTooLarge, "The request body is larger than %d bytes.", limit)
}

// Short cuts what a caller sent before it is sent back.
func Short(text string) string {
	const limit = 200
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}
