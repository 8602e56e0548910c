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
	// largeBuffer and smallBuffer are sizes of the read buffer of a connection, in bytes. The small one is for waiting
	// callers, which receive no response.
	largeBuffer, smallBuffer = 32 << 10, 512
	// statusOffset and statusEnd delimit the status code in "HTTP/1.1 200 OK".
	statusOffset, statusEnd = 9, 12
)

// Response is an HTTP response.
type Response struct {
	Status int
	// Body is nil if the status is a success and the body was not requested.
	Body []byte
}

// conn is a connection that carries one request at a time.
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

// do sends a request and reads the response. Unless keepBody is set, it discards the body of a success.
func (c *conn) do(request []byte, keepBody bool) (Response, error) {
	if _, err := c.Write(request); err != nil {
		return Response{}, err
	}
	status, length, err := c.readHeader()
	if err != nil {
		return Response{}, err
	}
	response := Response{Status: status}
	var body *bytes.Buffer
	if keepBody || status >= 300 {
		body = &bytes.Buffer{}
	}
	switch {
	case length >= 0:
		err = c.readBody(length, body)
	case length == lengthChunked:
		err = c.readChunked(body)
	default:
		err = errors.New("the response has neither a Content-Length nor a chunked body")
	}
	if body != nil {
		response.Body = body.Bytes()
	}
	return response, err
}

// Special values for the length of a body.
const (
	lengthUnknown = -1
	lengthChunked = -2
)

// readHeader reads the status line and the header section.
func (c *conn) readHeader() (status, length int, err error) {
	line, err := c.readLine()
	if err != nil {
		return 0, 0, err
	}
	if len(line) < statusEnd {
		return 0, 0, fmt.Errorf("%q is not a status line", line)
	}
	if status, err = strconv.Atoi(string(line[statusOffset:statusEnd])); err != nil {
		return 0, 0, err
	}
	length = lengthUnknown
	if status == 204 {
		length = 0
	}
	for {
		if line, err = c.readLine(); err != nil || len(line) == 0 {
			return status, length, err
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, 0, err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			length = lengthChunked
		}
	}
}

// readChunked reads a chunked body without trailers.
func (c *conn) readChunked(body *bytes.Buffer) error {
	for {
		line, err := c.readLine()
		if err != nil {
			return err
		}
		size, err := strconv.ParseUint(string(line), 16, 31)
		if err != nil {
			return err
		}
		if err := c.readBody(int(size), body); err != nil {
			return err
		}
		if _, err := c.readLine(); err != nil || size == 0 {
			return err
		}
	}
}

// readBody reads n bytes into body, or discards them if body is nil.
func (c *conn) readBody(n int, body *bytes.Buffer) error {
	if body == nil {
		_, err := c.reader.Discard(n)
		return err
	}
	_, err := io.CopyN(body, c.reader, int64(n))
	return err
}

// readLine reads a line and returns it without the line break. The result is valid until the next read.
func (c *conn) readLine() ([]byte, error) {
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	return bytes.TrimRight(line, "\r\n"), nil
}
