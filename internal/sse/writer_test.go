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

func text(block string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, block)
		return err
	}
}

// client is a response recorder whose body can be read while it is written.
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

// received returns what has arrived since the last call.
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
	require.Empty(t, recorder.Body.String())
}

func TestBlocksAreFlushedAsTheyAreSent(t *testing.T) {
	t.Parallel()
	recorder := httptest.NewRecorder()
	stream := sse.NewWriter(recorder, nil)
	defer stream.Close()
	require.NoError(t, stream.SendRetry())
	require.True(t, recorder.Flushed)
	require.NoError(t, stream.Send(text("id: 1\ndata: {}\n\n")))
	require.NoError(t, stream.SendEvent("end", `{"status":"COMPLETED"}`))
	require.Equal(t, "retry: 1000\n\nid: 1\ndata: {}\n\nevent: end\ndata: {\"status\":\"COMPLETED\"}\n\n", recorder.Body.String())
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
		require.Equal(t, ":\n\n", body())
		time.Sleep(2 * keepAlive)
		require.Equal(t, ":\n\n:\n\n", body())

		time.Sleep(keepAlive - time.Nanosecond)
		require.NoError(t, stream.Send(text("data: 1\n\n"))) // restarts the timer
		require.Equal(t, "data: 1\n\n", body())
		time.Sleep(keepAlive - time.Nanosecond)
		require.Empty(t, body())
		time.Sleep(time.Nanosecond)
		require.Equal(t, ":\n\n", body())
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

var errGone = errors.New("the client has left")

// brokenResponse fails to write or to flush, because its client has left.
type brokenResponse struct {
	*httptest.ResponseRecorder

	write, flush error
}

func (r brokenResponse) Write(p []byte) (int, error) { return len(p), r.write }
func (r brokenResponse) FlushError() error           { return r.flush }

func TestErrorsOfTheConnectionAreReported(t *testing.T) {
	t.Parallel()
	for name, response := range map[string]brokenResponse{"write": {write: errGone}, "flush": {flush: errGone}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				response.ResponseRecorder = httptest.NewRecorder()
				var reported []error
				stream := sse.NewWriter(response, func(err error) { reported = append(reported, err) })
				defer stream.Close()
				require.ErrorIs(t, stream.SendRetry(), errGone)
				time.Sleep(keepAlive)
				synctest.Wait()
				require.Equal(t, []error{errGone}, reported)
			})
		})
	}
}

func TestErrorsOfTheCallbackAreReturned(t *testing.T) {
	t.Parallel()
	recorder := httptest.NewRecorder()
	stream := sse.NewWriter(recorder, nil)
	defer stream.Close()
	require.ErrorIs(t, stream.Send(func(w io.Writer) error {
		_, _ = io.WriteString(w, "part of an event")
		return errGone
	}), errGone)
	require.Empty(t, recorder.Body.String(), "no part of the event is sent")
}
