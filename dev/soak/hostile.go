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
	// pause stands between two rounds of a connection; zero floods.
	pause time.Duration
	// round does it once.
	round func(ctx context.Context, kind string) error
}

// attacks are all there are.
func (r *run) attacks() []attack {
	request := func(head string, headers ...string) string {
		return head + " HTTP/1.1\r\nHost: soak\r\n" + strings.Join(headers, "\r\n") + "\r\n"
	}
	good, abusive := "Authorization: Bearer "+r.GoodKey, "Authorization: Bearer "+r.AbusiveKey
	const body, hangUp = "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", "Connection: close\r\n\r\n"
	post := func(text string) string {
		return request("POST "+workflows, good, fmt.Sprintf(body, len(text), text))
	}
	const second = time.Second
	return append(r.slowAttacks(), []attack{
		{"flood of reads", r.Flood, 0, r.flood()},
		{"flood of wrong keys", 4, second / 50, r.send(request("GET "+workflows, "Authorization: Bearer fg_dev_"+strings.Repeat("x", 32), hangUp))},
		{"no key", 1, second / 50, r.send(request("GET "+workflows, hangUp))},
		{"bad JSON", 2, second / 50, r.send(post(`{"workflowType":"Echo","workflowType":1,`))},
		{"unknown field", 1, second / 50, r.send(post(`{"workflow":"Echo"}`))},
		{"deep JSON", 1, second / 10, r.send(post(`{"args":[` + strings.Repeat("[", 50_000)))},
		{"large body", 1, second, r.send(post(strings.Repeat(" ", 5<<20)))},
		{"large head", 1, second / 10, r.send(request("GET /"+strings.Repeat("a", 40<<10), good, hangUp))},
		{"bad chunks", 1, second / 20, r.send(request("POST "+workflows, good, "Content-Type: application/json", "Transfer-Encoding: chunked", "", "zz"))},
		{"bad paths", 1, second / 20, r.send(request("GET "+workflows+"/%2e%2e/%00", good, hangUp))},
		{"other methods", 1, second / 20, r.send(request("CONNECT soak:80", good, hangUp))},
		{"bad query", 1, second / 20, r.send(request("GET "+workflows+"?query=NOT+A+QUERY&pageSize=1", abusive, hangUp))},
		{"noise", 2, second / 20, r.noise},
		{"heads that do not end", 10, 0, r.slowly(request("GET "+workflows, good), "X-Slow: a\r\n")},
		{"bodies that do not end", 10, 0, r.slowly(request("POST "+workflows, abusive, "Content-Type: application/json", "Content-Length: 1000000", ""), " ")},
		{"readers that stop", 5, 0, r.stall(request("GET "+workflows, abusive, "Accept: application/x-ndjson", ""))},
		{"callers that leave", 5, second / 20, r.leave},
		{"waits", 50, 0, r.wait},
	}...)
}

// repeat does the rounds of one connection until ctx ends.
func (r *run) repeat(ctx context.Context, a attack) {
	for ctx.Err() == nil {
		if err := a.round(ctx, a.kind); err != nil && ctx.Err() == nil && !isHangUp(err) {
			r.violatedf("%s: %v", a.kind, err)
		}
		if a.pause > 0 {
			select {
			case <-ctx.Done():
			case <-time.After(a.pause):
			}
		}
	}
}

// isHangUp tells the errors of a connection that the gateway has closed.
func isHangUp(err error) bool {
	var operation *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &operation) && !operation.Timeout()
}

// dial connects, until ctx ends.
func (r *run) dial(ctx context.Context) (net.Conn, func(), error) {
	address, err := url.Parse(r.URL)
	if err != nil {
		return nil, nil, err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address.Host)
	if err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	return conn, func() {
		stop()
		_ = conn.Close()
	}, nil
}

// send says the same bytes on a connection of its own each time, and reads the answer.
func (r *run) send(text string) func(context.Context, string) error {
	return func(ctx context.Context, kind string) error {
		conn, hangUp, err := r.dial(ctx)
		if err != nil {
			return err
		}
		defer hangUp()
		if _, err := io.WriteString(conn, text); err != nil {
			return err
		}
		return r.read(bufio.NewReader(conn), kind)
	}
}

func (r *run) read(reader *bufio.Reader, kind string) error {
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	r.record(kind, response.StatusCode, response.Header.Get("Content-Type"), string(text))
	return err
}

// flood asks on one connection as fast as answers come.
func (r *run) flood() func(context.Context, string) error {
	text := "GET " + workflows + "/" + steadyWorkflow + " HTTP/1.1\r\nHost: soak\r\nAuthorization: Bearer " + r.AbusiveKey + "\r\n\r\n"
	return func(ctx context.Context, kind string) error {
		conn, hangUp, err := r.dial(ctx)
		if err != nil {
			return err
		}
		defer hangUp()
		reader := bufio.NewReader(conn)
		for {
			if _, err := io.WriteString(conn, text); err != nil {
				return err
			}
			if err := r.read(reader, kind); err != nil {
				return err
			}
		}
	}
}

// noise is no HTTP at all.
func (r *run) noise(ctx context.Context, kind string) error {
	junk := make([]byte, 512)
	if _, err := rand.Read(junk); err != nil {
		return err
	}
	return r.send(string(junk)+"\r\n\r\n")(ctx, kind)
}

// slowly says one more piece each second until the gateway hangs up.
func (r *run) slowly(begin, piece string) func(context.Context, string) error {
	return func(ctx context.Context, _ string) error {
		conn, hangUp, err := r.dial(ctx)
		if err != nil {
			return err
		}
		defer hangUp()
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

// stall asks for a stream and reads nothing of it.
func (r *run) stall(text string) func(context.Context, string) error {
	return func(ctx context.Context, _ string) error {
		conn, hangUp, err := r.dial(ctx)
		if err != nil {
			return err
		}
		defer hangUp()
		if _, err := io.WriteString(conn, text); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(settle / 2):
		}
		return nil
	}
}

// leave asks for what takes long, and goes.
func (r *run) leave(ctx context.Context, _ string) error {
	conn, hangUp, err := r.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp()
	_, err = io.WriteString(conn, "GET "+workflows+"/"+steadyWorkflow+"/result?wait=50s HTTP/1.1\r\nHost: soak\r\nAuthorization: Bearer "+r.AbusiveKey+"\r\n\r\n")
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-time.After(100 * time.Millisecond):
	}
	return nil
}

// wait waits for the workflow that does not end.
func (r *run) wait(ctx context.Context, kind string) error {
	a, err := r.do(ctx, http.MethodGet, workflows+"/"+steadyWorkflow+"/result?wait=5s", r.AbusiveKey, "")
	if err != nil {
		return err
	}
	r.record(kind, a.status, a.contentType, a.text)
	if a.status == http.StatusTooManyRequests {
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	return nil
}
