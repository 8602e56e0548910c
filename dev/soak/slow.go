package soak

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// slowKey and slowerKey are the keys of slow callers with write access; see keys.yaml.
const (
	slowKey   = "fg_slow_00000000000000000000000000000000"
	slowerKey = "fg_slower_00000000000000000000000000000000"
)

// large is the id of a workflow with largeSignals signals of largeSignal bytes each in its history, which exceeds the
// buffers of a connection.
const (
	large        = "soak-large"
	largeSignals = 16
	largeSignal  = 1 << 20
)

// makeLargeHistory creates the large history.
func (r *run) makeLargeHistory(ctx context.Context) error {
	signal := `{"signal":"poke","args":["` + strings.Repeat("a", largeSignal) + `"]}`
	for i := range largeSignals + 1 {
		path, body := workflows+"/"+large+"/signal", signal
		if i == 0 {
			path, body = workflows, `{"workflowType":"Wait","workflowId":"`+large+`","taskQueue":"`+r.TaskQueue+`"}`
		}
		a, err := r.do(ctx, http.MethodPost, path, r.GoodKey, body)
		if err == nil && a.status >= http.StatusMultipleChoices {
			err = fmt.Errorf("make a large history: %d %s", a.status, firstLine(a.text))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// slowAttacks returns the attacks that make the gateway use many resources at little cost: many values in few bytes,
// and few bytes over a long time.
func (r *run) slowAttacks() []attack {
	const room = 4_000_000 // bytes, just below the limit of a body
	list := func(value string) string {
		return "[" + strings.Repeat(value+",", room/(len(value)+1)) + value + "]"
	}
	var memo strings.Builder
	for i := 0; memo.Len() < room; i++ {
		_, _ = fmt.Fprintf(&memo, `"%d":0,`, i)
	}
	post := func(key, path, body string) string {
		return "POST " + path + " HTTP/1.1\r\nHost: soak\r\nAuthorization: Bearer " + key + "\r\n" +
			"Content-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
	}
	get := func(path string) string {
		return "GET " + workflows + path + " HTTP/1.1\r\nHost: soak\r\nAuthorization: Bearer " + slowKey + "\r\n\r\n"
	}
	start := `{"workflowType":"Echo","workflowId":"soak-values","taskQueue":"` + r.TaskQueue + `",`
	const tooLarge, second = http.StatusRequestEntityTooLarge, time.Second
	return []attack{
		{"many args of a query", 1, second, r.wantRejected(
			post(r.AbusiveKey, workflows+"/"+steadyWorkflow+"/query", `{"query":"echo","args":`+list("0")+`}`), tooLarge)},
		{"many args", 1, second, r.wantRejected(post(slowKey, workflows, start+`"args":`+list("0")+`}`), tooLarge)},
		{"many values in memo", 1, second, r.wantRejected(post(slowKey, workflows, start+`"memo":{`+memo.String()+`"a":0}}`), tooLarge)},
		{"many invalid names", 1, second, r.wantRejected(post(slowKey, workflows+"/"+steadyWorkflow+"/tokens", `{"signals":`+list(`""`)+`}`),
			http.StatusBadRequest, http.StatusForbidden, tooLarge)},
		{"many empty executions", 1, second, r.wantRejected(post(slowKey, "/v1/namespaces/default/batches", `{"executions":`+list("{}")+`}`),
			http.StatusBadRequest, tooLarge)},
		{"slow bodies", 100, 0, r.slowBody(slowKey)},
		{"slow bodies of another caller", 100, 0, r.slowBody(slowerKey)},
		{"slow readers of a history", 8, 0, r.slowReader(get("/" + large + "/history?pageSize=1000"))},
		{"slow readers of a list", 8, 0, r.slowReader(get("?pageSize=1000"))},
	}
}

// maxRejectionBytes is the maximum size of the response to a rejected request, in bytes.
const maxRejectionBytes = 64 << 10

// overloaded reports whether a status is one of those for an overloaded gateway, which any request may receive.
func overloaded(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable
}

// wantRejected returns a round that sends text and requires one of the statuses, with a small response.
func (r *run) wantRejected(text string, statuses ...int) func(context.Context, string) error {
	return func(ctx context.Context, kind string) error {
		conn, hangUp, err := r.dial(ctx)
		if err != nil {
			return err
		}
		defer hangUp()
		if _, err := io.WriteString(conn, text); err != nil {
			return err
		}
		a, err := r.response(conn, kind)
		if err != nil {
			return err
		}
		if !slices.Contains(statuses, a.status) && !overloaded(a.status) {
			r.violatedf("%s: %d %s", kind, a.status, firstLine(a.text))
		}
		if len(a.text) > maxRejectionBytes {
			r.violatedf("%s: response to a rejected request has %d MB", kind, len(a.text)>>20) //nolint:mnd // bytes in a megabyte
		}
		return nil
	}
}

// response reads and records a response.
func (r *run) response(conn net.Conn, kind string) (apiResponse, error) {
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return apiResponse{}, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	a := apiResponse{response.StatusCode, response.Header.Get("Content-Type"), string(text)}
	r.record(kind, a.status, a.contentType, a.text)
	return a, err
}

// slowBody returns a round that sends the body of a start at one byte per second. The gateway must reject it in time.
func (r *run) slowBody(key string) func(context.Context, string) error {
	head := "POST " + workflows + " HTTP/1.1\r\nHost: soak\r\nAuthorization: Bearer " + key + "\r\n" +
		"Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
	return func(ctx context.Context, kind string) error {
		conn, hangUp, err := r.dial(ctx)
		if err != nil {
			return err
		}
		defer hangUp()
		if err := conn.SetDeadline(time.Now().Add(settle)); err != nil {
			return err
		}
		responded := make(chan struct{})
		go func() {
			defer close(responded)
			var a apiResponse
			if a, err = r.response(conn, kind); err == nil && a.status != http.StatusRequestTimeout && !overloaded(a.status) {
				r.violatedf("%s: %d %s", kind, a.status, firstLine(a.text))
			}
		}()
		_, _ = io.WriteString(conn, head)
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-responded:
				r.pauseAfterRejection(ctx)
				return r.timedOut(kind, settle, err)
			case <-ticker.C:
				_, _ = io.WriteString(conn, " ") // the response reports the result
			}
		}
	}
}

// pauseAfterRejection delays the next round of an attack that holds connections: the attack is slow, not frequent.
func (r *run) pauseAfterRejection(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(time.Second):
	}
}

// timedOut records a violation if err is a timeout, without the address of the connection.
func (r *run) timedOut(kind string, limit time.Duration, err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		r.violatedf("%s: neither rejected nor disconnected after %s", kind, limit)
		return nil
	}
	return err
}

// A slow reader reads slowRead bytes per second with receive buffers of slowBuffer bytes.
const (
	slowRead   = 4 << 10
	slowBuffer = 16 << 10
)

// socketBytes is more than the kernel keeps for a connection: a smaller response is written at once, however slowly it
// is read.
const socketBytes = 8 << 20

// held is the maximum duration of a slow response: the request budget, a write timeout and a margin. A slow reader then
// reads the rest at full speed, and has finished after readAll.
const (
	held    = settle * 3 / 2
	readAll = 2 * held
)

// slowReader returns a round that reads a response slowly. The gateway must close the connection.
func (r *run) slowReader(text string) func(context.Context, string) error {
	return func(ctx context.Context, kind string) error {
		conn, hangUp, err := r.dial(ctx)
		if err != nil {
			return err
		}
		defer hangUp()
		if tcp, ok := conn.(*net.TCPConn); ok {
			err = tcp.SetReadBuffer(slowBuffer)
		}
		if err := errors.Join(err, conn.SetDeadline(time.Now().Add(readAll))); err != nil {
			return err
		}
		if _, err := io.WriteString(conn, text); err != nil {
			return err
		}
		response, err := http.ReadResponse(bufio.NewReaderSize(conn, slowRead), nil)
		if err != nil {
			return r.timedOut(kind, readAll, err)
		}
		defer func() { _ = response.Body.Close() }()
		r.record(kind, response.StatusCode, response.Header.Get("Content-Type"), "")
		inKernel := response.ContentLength >= 0 && response.ContentLength < socketBytes
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for begin := time.Now(); err == nil && time.Since(begin) < held; {
			select {
			case <-ctx.Done():
				return nil
			case <-ticker.C:
				_, err = io.CopyN(io.Discard, response.Body, slowRead)
			}
		}
		// The client still receives what the kernel holds of a response that was cut. A complete response was not cut, and one
		// without an end was neither.
		if err == nil {
			if _, err = io.Copy(io.Discard, response.Body); err == nil && !inKernel {
				r.violatedf("%s: complete after %s, and not cut", kind, held)
			}
		}
		r.pauseAfterRejection(ctx)
		return r.timedOut(kind, readAll, err)
	}
}
