package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
)

const (
	// largeBuffer is for connections that read answers, smallBuffer for those that wait for one that never comes.
	largeBuffer, smallBuffer = 32 << 10, 512
	// statusOffset is where the code stands in "HTTP/1.1 200 OK".
	statusOffset, statusEnd = 9, 12
)

// Answer is what is known of one.
type Answer struct {
	Status int
	// Body is there when it was asked for.
	Body []byte
}

// conn is a connection with one request at a time.
type conn struct {
	net.Conn
	reader *bufio.Reader
}

func dial(ctx context.Context, address string, buffer int) (*conn, error) {
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, reader: bufio.NewReaderSize(c, buffer)}, nil
}

// do sends a request and reads its answer, the body only when keep is set.
func (c *conn) do(request []byte, keep bool) (Answer, error) {
	if _, err := c.Write(request); err != nil {
		return Answer{}, err
	}
	status, length, err := c.head()
	if err != nil {
		return Answer{}, err
	}
	answer := Answer{Status: status}
	var body *bytes.Buffer
	if keep || status >= 300 {
		body = &bytes.Buffer{}
	}
	switch {
	case length >= 0:
		err = c.take(length, body)
	case length == chunked:
		err = c.chunks(body)
	default:
		err = errors.New("an answer without a length")
	}
	if body != nil {
		answer.Body = body.Bytes()
	}
	return answer, err
}

// The lengths of bodies that say none.
const (
	unknown = -1
	chunked = -2
)

// head reads up to the body.
func (c *conn) head() (status, length int, err error) {
	line, err := c.line()
	if err != nil {
		return 0, 0, err
	}
	if len(line) < statusEnd {
		return 0, 0, fmt.Errorf("%q is no status line", line)
	}
	if status, err = strconv.Atoi(string(line[statusOffset:statusEnd])); err != nil {
		return 0, 0, err
	}
	length = unknown
	if status == 204 {
		length = 0
	}
	for {
		if line, err = c.line(); err != nil || len(line) == 0 {
			return status, length, err
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, 0, err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			length = chunked
		}
	}
}

// chunks reads a chunked body without trailers.
func (c *conn) chunks(body *bytes.Buffer) error {
	for {
		line, err := c.line()
		if err != nil {
			return err
		}
		size, err := strconv.ParseUint(string(line), 16, 31)
		if err != nil {
			return err
		}
		if err := c.take(int(size), body); err != nil {
			return err
		}
		if _, err := c.line(); err != nil || size == 0 {
			return err
		}
	}
}

// take reads n bytes into body, or past them when it is nil.
func (c *conn) take(n int, body *bytes.Buffer) error {
	if body == nil {
		_, err := c.reader.Discard(n)
		return err
	}
	_, err := io.CopyN(body, c.reader, int64(n))
	return err
}

// line reads one, without its end; it is good until the next read.
func (c *conn) line() ([]byte, error) {
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	return bytes.TrimRight(line, "\r\n"), nil
}
