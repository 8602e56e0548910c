package upstream

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// proxyTimeout bounds the CONNECT exchange when the dialer's context has no deadline.
const proxyTimeout = 20 * time.Second

// Proxy is an HTTP CONNECT proxy (RFC 9110 section 9.3.6).
type Proxy struct {
	// Address is host:port; empty means no proxy.
	Address string
	// BasicAuth is "user:password", or empty.
	BasicAuth string
}

// dialer returns a dialer that connects through the proxy. It uses dial to connect to
// the proxy itself.
func (p Proxy) dialer(dial Dialer) Dialer {
	if dial == nil {
		dial = func(ctx context.Context, address string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		}
	}
	return func(ctx context.Context, address string) (net.Conn, error) {
		conn, err := dial(ctx, p.Address)
		if err != nil {
			return nil, fmt.Errorf("proxy: %w", err)
		}
		tunnel, err := p.connect(ctx, conn, address)
		if err != nil {
			_ = conn.Close()
			return nil, err
		}
		return tunnel, nil
	}
}

// connect sends a CONNECT request for address on conn, and returns the tunnel.
func (p Proxy) connect(ctx context.Context, conn net.Conn, address string) (net.Conn, error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(proxyTimeout)
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	// A cancelled dial must not keep the connection open until the deadline.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // long past
	defer stop()
	request := &http.Request{
		Method: http.MethodConnect, URL: &url.URL{Host: address}, Host: address, Header: http.Header{},
	}
	if p.BasicAuth != "" {
		request.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(p.BasicAuth)))
	}
	if err := request.WithContext(ctx).Write(conn); err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	reader := bufio.NewReader(conn)
	// The body is not read: the tunnel follows the header section of a response to
	// CONNECT, and Content-Length and Transfer-Encoding are ignored (RFC 9110
	// section 9.3.6).
	response, err := http.ReadResponse(reader, request) //nolint:bodyclose // closing it would read from the tunnel
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("proxy: CONNECT returned %s", response.Status)
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	return &bufferedConn{Conn: conn, reader: reader}, nil
}

// bufferedConn first reads the bytes that arrived together with the proxy's response.
type bufferedConn struct {
	net.Conn
	reader *bufio.Reader
}

func (c *bufferedConn) Read(p []byte) (int, error) { return c.reader.Read(p) }
