package soak

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// attack is one kind of hostile traffic.
type attack struct {
	kind        string
	connections int
	// pause is the delay between two rounds of one connection; zero means that rounds follow without a delay.
	pause time.Duration
	// round opens a connection and performs the attack on it once. It records responses under kind.
	round func(ctx context.Context, kind string) error
}

// attacks returns all attacks.
func (r *run) attacks() []attack {
	// request joins a request line and header lines. The empty line that ends the header section is up to the attack.
	request := func(head string, headers ...string) string {
		return head + " HTTP/1.1\r\nHost: soak\r\n" + strings.Join(headers, "\r\n") + "\r\n"
	}
	regular, hostile := "Authorization: Bearer "+r.RegularKey, "Authorization: Bearer "+r.HostileKey
	const body, closeHeader = "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", "Connection: close\r\n\r\n"
	post := func(text string) string {
		return request("POST "+workflows, regular, fmt.Sprintf(body, len(text), text))
	}
	const second = time.Second
	return append(r.slowAttacks(), []attack{
		{"flood of reads", r.Flood, 0, r.flood()},
		{"flood of wrong keys", 4, second / 50, r.send(request("GET "+workflows, "Authorization: Bearer fg_dev_"+strings.Repeat("x", 32), closeHeader))},
		{"no key", 1, second / 50, r.send(request("GET "+workflows, closeHeader))},
		{"bad JSON", 2, second / 50, r.send(post(`{"workflowType":"Echo","workflowType":1,`))},
		{"unknown field", 1, second / 50, r.send(post(`{"workflow":"Echo"}`))},
		{"deep JSON", 1, second / 10, r.send(post(`{"args":[` + strings.Repeat("[", 50_000)))},
		// The default limits are 4 MiB for a body and 16 KiB for the header section.
		{"large body", 1, second, r.send(post(strings.Repeat(" ", 5<<20)))},
		{"large head", 1, second / 10, r.send(request("GET /"+strings.Repeat("a", 40<<10), regular, closeHeader))},
		{"bad chunks", 1, second / 20, r.send(request("POST "+workflows, regular, "Content-Type: application/json", "Transfer-Encoding: chunked", "", "zz"))},
		{"bad paths", 1, second / 20, r.send(request("GET "+workflows+"/%2e%2e/%00", regular, closeHeader))},
		{"unsupported method", 1, second / 20, r.send(request("CONNECT soak:80", regular, closeHeader))},
		{"bad query", 1, second / 20, r.send(request("GET "+workflows+"?query=NOT+A+QUERY&pageSize=1", hostile, closeHeader))},
		{"noise", 2, second / 20, r.noise},
		{"endless headers", 10, 0, r.sendSlowly(request("GET "+workflows, regular), "X-Slow: a\r\n")},
		{"endless bodies", 10, 0, r.sendSlowly(request("POST "+workflows, hostile, "Content-Type: application/json", "Content-Length: 1000000", ""), " ")},
		{"stalled readers", 5, 0, r.readNothing(request("GET "+workflows, hostile, "Accept: application/x-ndjson", ""))},
		{"disconnecting callers", 5, second / 20, r.disconnectEarly},
		{"waits", 50, 0, r.wait},
	}...)
}

// repeat performs one round of an attack after the other until ctx is done. A round
// may end with an error if the gateway has closed the connection.
func (r *run) repeat(ctx context.Context, a attack) {
	for ctx.Err() == nil {
		if err := a.round(ctx, a.kind); err != nil && ctx.Err() == nil && !isDisconnection(err) {
			r.addViolationf("%s: %v", a.kind, err)
		}
		if a.pause > 0 {
			select {
			case <-ctx.Done():
			case <-time.After(a.pause):
			}
		}
	}
}

// isDisconnection reports whether an error means that the gateway has closed the connection.
func isDisconnection(err error) bool {
	var operation *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &operation) && !operation.Timeout()
}

// dial opens a connection. The returned function closes it, and so does the end of ctx.
func (r *run) dial(ctx context.Context) (conn net.Conn, disconnect func(), err error) {
	address, err := url.Parse(r.URL)
	if err != nil {
		return nil, nil, err
	}
	conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", address.Host)
	if err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	return conn, func() {
		stop()
		_ = conn.Close()
	}, nil
}

// send returns a round that sends text on a new connection and reads the response.
func (r *run) send(text string) func(context.Context, string) error {
	return func(ctx context.Context, kind string) error {
		conn, disconnect, err := r.dial(ctx)
		if err != nil {
			return err
		}
		defer disconnect()
		if _, err := io.WriteString(conn, text); err != nil {
			return err
		}
		return r.readFrom(bufio.NewReader(conn), kind)
	}
}

// readFrom reads a response and adds it to the tally.
func (r *run) readFrom(reader *bufio.Reader, kind string) error {
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	r.record(kind, response.StatusCode, response.Header.Get("Content-Type"), string(text))
	return err
}

// flood returns a round that sends requests on one connection, each as soon as the previous response has arrived.
func (r *run) flood() func(context.Context, string) error {
	request := "GET " + workflows + "/" + steadyWorkflow + " HTTP/1.1\r\nHost: soak\r\nAuthorization: Bearer " + r.HostileKey + "\r\n\r\n"
	return func(ctx context.Context, kind string) error {
		conn, disconnect, err := r.dial(ctx)
		if err != nil {
			return err
		}
		defer disconnect()
		reader := bufio.NewReader(conn)
		for {
			if _, err := io.WriteString(conn, request); err != nil {
				return err
			}
			if err := r.readFrom(reader, kind); err != nil {
				return err
			}
		}
	}
}

// noise sends bytes that are not HTTP.
func (r *run) noise(ctx context.Context, kind string) error {
	junk := make([]byte, 512)
	if _, err := rand.Read(junk); err != nil {
		return err
	}
	return r.send(string(junk)+"\r\n\r\n")(ctx, kind)
}

// sendSlowly returns a round that sends begin, and then piece once per second until the gateway closes the connection.
func (r *run) sendSlowly(begin, piece string) func(context.Context, string) error {
	return func(ctx context.Context, _ string) error {
		conn, disconnect, err := r.dial(ctx)
		if err != nil {
			return err
		}
		defer disconnect()
		_, err = io.WriteString(conn, begin)
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for err == nil {
			select {
			case <-ctx.Done():
				return nil
			case <-ticker.C:
				_, err = io.WriteString(conn, piece)
			}
		}
		return err
	}
}

// readNothing returns a round that sends a request and does not read the response.
func (r *run) readNothing(text string) func(context.Context, string) error {
	return func(ctx context.Context, _ string) error {
		conn, disconnect, err := r.dial(ctx)
		if err != nil {
			return err
		}
		defer disconnect()
		if _, err := io.WriteString(conn, text); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(30 * time.Second):
		}
		return nil
	}
}

// disconnectEarly sends a request that waits for a result, and disconnects before the response.
func (r *run) disconnectEarly(ctx context.Context, _ string) error {
	conn, disconnect, err := r.dial(ctx)
	if err != nil {
		return err
	}
	defer disconnect()
	_, err = io.WriteString(conn, "GET "+workflows+"/"+steadyWorkflow+"/result?wait=50s HTTP/1.1\r\n"+
		"Host: soak\r\nAuthorization: Bearer "+r.HostileKey+"\r\n\r\n")
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-time.After(100 * time.Millisecond):
	}
	return nil
}

// wait waits for the result of steadyWorkflow, which stays open.
func (r *run) wait(ctx context.Context, kind string) error {
	response, err := r.do(ctx, http.MethodGet, workflows+"/"+steadyWorkflow+"/result?wait=5s", r.HostileKey, "")
	if err != nil {
		return err
	}
	r.record(kind, response.status, response.contentType, response.text)
	if response.status == http.StatusTooManyRequests {
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	return nil
}
