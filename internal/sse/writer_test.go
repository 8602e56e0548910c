package sse_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/sse"
)

const keepAlive = 15 * time.Second

// writeText returns a function for Writer.Send that writes block.
func writeText(block string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, block)
		return err
	}
}

// client is a response recorder whose body can be read while the handler writes it.
type client struct {
	*httptest.ResponseRecorder

	mu sync.Mutex
}

func newClient() *client { return &client{ResponseRecorder: httptest.NewRecorder()} }

func (c *client) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ResponseRecorder.Write(p)
}

// received returns the part of the body that was written since the last call of received.
func (c *client) received() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.Body.Reset()
	return c.Body.String()
}

func TestHeaderIsSentBeforeTheFirstEvent(t *testing.T) {
	t.Parallel()
	recorder := httptest.NewRecorder()
	stream := sse.NewWriter(recorder, nil)
	defer stream.Close()
	require.Equal(t, http.StatusOK, recorder.Code)
	require.Equal(t, "text/event-stream", recorder.Header().Get("Content-Type"))
	require.Equal(t, "no", recorder.Header().Get("X-Accel-Buffering"))
	require.True(t, recorder.Flushed)
	require.Empty(t, recorder.Body.String())
}

func TestEachEventIsFlushed(t *testing.T) {
	t.Parallel()
	recorder := httptest.NewRecorder()
	stream := sse.NewWriter(recorder, nil)
	defer stream.Close()
	recorder.Flushed = false
	require.NoError(t, stream.Send(writeText("id: 1\ndata: {}\n\n")))
	require.True(t, recorder.Flushed)
	recorder.Flushed = false
	require.NoError(t, stream.SendEvent("end", `{"status":"COMPLETED"}`))
	require.True(t, recorder.Flushed)
	require.Equal(t, "retry: 1000\nid: 1\ndata: {}\n\nevent: end\ndata: {\"status\":\"COMPLETED\"}\n\n", recorder.Body.String())
}

// The retry time is part of the first event, also if comments or a failed call precede it.
func TestRetryTimeIsSentWithTheFirstEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		response := newClient()
		stream := sse.NewWriter(response, nil)
		defer stream.Close()
		time.Sleep(2 * keepAlive)
		synctest.Wait()
		require.ErrorIs(t, stream.Send(func(io.Writer) error { return errDisconnected }), errDisconnected)
		require.NoError(t, stream.SendEvent("end", "1"))
		require.NoError(t, stream.SendEvent("end", "2"))
		require.Equal(t, ":\n:\nretry: 1000\nevent: end\ndata: 1\n\nevent: end\ndata: 2\n\n", response.received())
	})
}

func TestCommentsKeepAnIdleStreamAlive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		response := newClient()
		stream := sse.NewWriter(response, nil)
		defer stream.Close()
		body := func() string {
			synctest.Wait()
			return response.received()
		}
		time.Sleep(keepAlive - time.Nanosecond)
		require.Empty(t, body())
		time.Sleep(time.Nanosecond)
		require.Equal(t, ":\n", body())
		time.Sleep(2 * keepAlive)
		require.Equal(t, ":\n:\n", body())

		time.Sleep(keepAlive - time.Nanosecond)
		require.NoError(t, stream.Send(writeText("data: 1\n\n"))) // restarts the timer
		require.Equal(t, "retry: 1000\ndata: 1\n\n", body())
		time.Sleep(keepAlive - time.Nanosecond)
		require.Empty(t, body())
		time.Sleep(time.Nanosecond)
		require.Equal(t, ":\n", body())
	})
}

func TestNothingIsWrittenAfterClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		response := newClient()
		stream := sse.NewWriter(response, func(error) { t.Error("a closed stream wrote a comment") })
		stream.Close()
		stream.Close()
		require.NoError(t, stream.Send(func(io.Writer) error {
			t.Error("a closed stream sent an event")
			return nil
		}))
		time.Sleep(2 * keepAlive)
		synctest.Wait()
		require.Empty(t, response.received())
	})
}

var errDisconnected = errors.New("the client has disconnected")

// brokenResponse returns errors from Write and FlushError, because the client has
// disconnected.
type brokenResponse struct {
	*httptest.ResponseRecorder

	write, flush error
}

func (r brokenResponse) Write(p []byte) (int, error) { return len(p), r.write }
func (r brokenResponse) FlushError() error           { return r.flush }

func TestConnectionErrorsAreReported(t *testing.T) {
	t.Parallel()
	for name, response := range map[string]brokenResponse{"write": {write: errDisconnected}, "flush": {flush: errDisconnected}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				response.ResponseRecorder = httptest.NewRecorder()
				var reported []error
				stream := sse.NewWriter(response, func(err error) { reported = append(reported, err) })
				defer stream.Close()
				require.ErrorIs(t, stream.SendEvent("end", "{}"), errDisconnected)
				time.Sleep(keepAlive)
				synctest.Wait()
				require.Equal(t, []error{errDisconnected}, reported)
			})
		})
	}
}

func TestErrorsOfTheWriteFunctionAreReturned(t *testing.T) {
	t.Parallel()
	recorder := httptest.NewRecorder()
	stream := sse.NewWriter(recorder, nil)
	defer stream.Close()
	require.ErrorIs(t, stream.Send(func(w io.Writer) error {
		_, _ = io.WriteString(w, "part of an event")
		return errDisconnected
	}), errDisconnected)
	require.Empty(t, recorder.Body.String(), "Send must not send part of an event")
}
