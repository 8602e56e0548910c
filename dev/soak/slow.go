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

// slowKey and slowerKey are API keys of hostile callers. In keys.yaml, both have the role write.
const (
	slowKey   = "fg_slow_00000000000000000000000000000000"
	slowerKey = "fg_slower_00000000000000000000000000000000"
)

// largeWorkflow is the id of a workflow whose history contains largeSignals signals of largeSignalBytes each. A
// response with this history exceeds the buffers of a connection.
const (
	largeWorkflow    = "soak-large"
	largeSignals     = 16
	largeSignalBytes = 1 << 20
)

// makeLargeHistory starts largeWorkflow and sends the signals to it.
func (r *run) makeLargeHistory(ctx context.Context) error {
	signal := `{"signal":"poke","args":["` + strings.Repeat("a", largeSignalBytes) + `"]}`
	for i := range largeSignals + 1 {
		path, body := workflows+"/"+largeWorkflow+"/signal", signal
		if i == 0 {
			path, body = workflows, `{"workflowType":"Wait","workflowId":"`+largeWorkflow+`","taskQueue":"`+r.TaskQueue+`"}`
		}
		response, err := r.do(ctx, http.MethodPost, path, r.RegularKey, body)
		if err == nil && response.status >= http.StatusMultipleChoices {
			err = fmt.Errorf("make a large history: %d %s", response.status, firstLine(response.text))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// slowAttacks returns the attacks that cost the caller little and could cost the gateway much: bodies with millions of
// short values, and bodies and responses that are transferred slowly.
func (r *run) slowAttacks() []attack {
	// The bodies are just below the gateway's limit. Many of them are rejected as too large nevertheless, because each
	// of their values becomes a payload, and payloads of short values are much larger than the values.
	const bodyBytes = 4_000_000
	list := func(value string) string {
		return "[" + strings.Repeat(value+",", bodyBytes/(len(value)+1)) + value + "]"
	}
	var memo strings.Builder
	for i := 0; memo.Len() < bodyBytes; i++ {
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
		{"many args of a query", 1, second, r.requireRejection(
			post(r.HostileKey, workflows+"/"+steadyWorkflow+"/query", `{"query":"echo","args":`+list("0")+`}`), tooLarge)},
		{"many args", 1, second, r.requireRejection(post(slowKey, workflows, start+`"args":`+list("0")+`}`), tooLarge)},
		{"many values in memo", 1, second, r.requireRejection(post(slowKey, workflows, start+`"memo":{`+memo.String()+`"a":0}}`), tooLarge)},
		{"many invalid names", 1, second, r.requireRejection(post(slowKey, workflows+"/"+steadyWorkflow+"/tokens", `{"signals":`+list(`""`)+`}`),
			http.StatusBadRequest, http.StatusForbidden, tooLarge)},
		{"many empty executions", 1, second, r.requireRejection(post(slowKey, "/v1/namespaces/default/batches", `{"executions":`+list("{}")+`}`),
			http.StatusBadRequest, tooLarge)},
		{"slow bodies", 100, 0, r.slowBody(slowKey)},
		{"slow bodies of another caller", 100, 0, r.slowBody(slowerKey)},
		{"slow readers of a history", 8, 0, r.slowReader(get("/" + largeWorkflow + "/history?pageSize=1000"))},
		{"slow readers of a list", 8, 0, r.slowReader(get("?pageSize=1000"))},
	}
}

// maxRejectionBytes is the maximum size of the response to a rejected request, in bytes.
const maxRejectionBytes = 64 << 10

// isOverloaded reports whether a status means that the gateway is overloaded. Any request may receive such a status.
func isOverloaded(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable
}

// requireRejection returns a round that sends a request and checks that the response is small and has one of the
// statuses or that of an overloaded gateway.
func (r *run) requireRejection(request string, statuses ...int) func(context.Context, string) error {
	return func(ctx context.Context, kind string) error {
		conn, disconnect, err := r.dial(ctx)
		if err != nil {
			return err
		}
		defer disconnect()
		if _, err := io.WriteString(conn, request); err != nil {
			return err
		}
		response, err := r.readResponse(conn, kind)
		if err != nil {
			return err
		}
		if !slices.Contains(statuses, response.status) && !isOverloaded(response.status) {
			r.addViolationf("%s: %d %s", kind, response.status, firstLine(response.text))
		}
		if len(response.text) > maxRejectionBytes {
			r.addViolationf("%s: the response to a rejected request has %d MB", kind, len(response.text)>>20) //nolint:mnd // bytes in a megabyte
		}
		return nil
	}
}

// readResponse reads a response and adds it to the tally.
func (r *run) readResponse(conn net.Conn, kind string) (apiResponse, error) {
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return apiResponse{}, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	complete := apiResponse{response.StatusCode, response.Header.Get("Content-Type"), string(text)}
	r.record(kind, complete.status, complete.contentType, complete.text)
	return complete, err
}

// slowBody returns a round that sends the body of a start request at one byte per second. The gateway must reject the
// request within a minute.
func (r *run) slowBody(key string) func(context.Context, string) error {
	head := "POST " + workflows + " HTTP/1.1\r\nHost: soak\r\nAuthorization: Bearer " + key + "\r\n" +
		"Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
	return func(ctx context.Context, kind string) error {
		conn, disconnect, err := r.dial(ctx)
		if err != nil {
			return err
		}
		defer disconnect()
		const timeout = time.Minute
		if err := conn.SetDeadline(time.Now().Add(timeout)); err != nil {
			return err
		}
		responded := make(chan struct{})
		go func() {
			defer close(responded)
			var response apiResponse
			response, err = r.readResponse(conn, kind)
			if err == nil && response.status != http.StatusRequestTimeout && !isOverloaded(response.status) {
				r.addViolationf("%s: %d %s", kind, response.status, firstLine(response.text))
			}
		}()
		_, _ = io.WriteString(conn, head)
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-responded:
				r.pauseBeforeNextRound(ctx)
				return r.recordTimeout(kind, timeout, err)
			case <-ticker.C:
				_, _ = io.WriteString(conn, " ") // an error is ignored, because readResponse reports the result
			}
		}
	}
}

// pauseBeforeNextRound delays the next round of a slow attack, so that early rejections do not turn it into a flood.
func (r *run) pauseBeforeNextRound(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(time.Second):
	}
}

// recordTimeout records a violation if err is a timeout, and returns any other error. The violation does not contain
// the text of err, because violations are counted by text, and that of err contains the address of the connection.
func (r *run) recordTimeout(kind string, timeout time.Duration, err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		r.addViolationf("%s: neither rejected nor disconnected after %s", kind, timeout)
		return nil
	}
	return err
}

// A slow reader reads slowReadBytes per second, with a receive buffer of slowBufferBytes.
const (
	slowReadBytes   = 4 << 10
	slowBufferBytes = 16 << 10
)

// kernelBytes is more than the kernel buffers for a connection. A gateway can write a smaller response at once, however
// slowly the client reads it.
const kernelBytes = 8 << 20

const (
	// slowReadDuration is the time for which a slow reader reads slowly. It exceeds the deadline of the request and the
	// write timeout of the response together, so that the gateway must have closed the connection.
	slowReadDuration = 90 * time.Second
	// slowReadTimeout includes the time for reading the rest of the response at full speed.
	slowReadTimeout = 2 * slowReadDuration
)

// slowReader returns a round that sends a request and reads the response slowly. The gateway must close the connection
// before it has sent the complete response, unless the response fits into the buffers of the kernel.
func (r *run) slowReader(request string) func(context.Context, string) error {
	return func(ctx context.Context, kind string) error {
		conn, disconnect, err := r.dial(ctx)
		if err != nil {
			return err
		}
		defer disconnect()
		if tcp, ok := conn.(*net.TCPConn); ok {
			err = tcp.SetReadBuffer(slowBufferBytes)
		}
		if err := errors.Join(err, conn.SetDeadline(time.Now().Add(slowReadTimeout))); err != nil {
			return err
		}
		if _, err := io.WriteString(conn, request); err != nil {
			return err
		}
		response, err := http.ReadResponse(bufio.NewReaderSize(conn, slowReadBytes), nil)
		if err != nil {
			return r.recordTimeout(kind, slowReadTimeout, err)
		}
		defer func() { _ = response.Body.Close() }()
		r.record(kind, response.StatusCode, response.Header.Get("Content-Type"), "")
		fitsInKernel := response.ContentLength >= 0 && response.ContentLength < kernelBytes
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for begin := time.Now(); err == nil && time.Since(begin) < slowReadDuration; {
			select {
			case <-ctx.Done():
				return nil
			case <-ticker.C:
				_, err = io.CopyN(io.Discard, response.Body, slowReadBytes)
			}
		}
		// After the gateway has closed the connection, the client can still read what the kernel has buffered, and only then
		// gets an error. If the client reads the complete response, or times out, the gateway has not closed the connection.
		if err == nil {
			if _, err = io.Copy(io.Discard, response.Body); err == nil && !fitsInKernel {
				r.addViolationf("%s: not disconnected after %s", kind, slowReadDuration)
			}
		}
		r.pauseBeforeNextRound(ctx)
		return r.recordTimeout(kind, slowReadTimeout, err)
	}
}
