package servertest

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
)

// EventBlock holds the fields of one block of a stream of server-sent events, by name. A comment has the name "".
type EventBlock map[string]string

// EventStream reads a stream of server-sent events.
type EventStream struct {
	Response *http.Response
	cancel   context.CancelFunc
	reader   *bufio.Reader
	started  bool // whether an event was read
}

// errRetryField is the error of a stream that does not set the retry time exactly once, in its first event.
var errRetryField = errors.New("the field retry belongs in the first event only")

// FollowHistory opens the event stream of the workflow "order". headers are pairs of name and value. The stream is closed
// when the test ends.
func (g *Gateway) FollowHistory(t *testing.T, query string, headers ...string) *EventStream {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://gateway"+HistoryPath+query, nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+WriterKey)
	request.Header.Set("Accept", "text/event-stream")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := g.Client.Do(request) //nolint:bodyclose // EventStream.Close closes it
	require.NoError(t, err)
	s := &EventStream{Response: response, cancel: cancel, reader: bufio.NewReader(response.Body)}
	t.Cleanup(s.Close)
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, "text/event-stream", response.Header.Get("Content-Type"))
	require.Equal(t, "no-store", response.Header.Get("Cache-Control"))
	require.Equal(t, "no", response.Header.Get("X-Accel-Buffering"))
	return s
}

// Close disconnects the client.
func (s *EventStream) Close() {
	s.cancel()
	_ = s.Response.Body.Close()
}

// Next returns the next event, without the field retry of the first one, or the next comment. The error is io.EOF if the
// gateway has completed the stream, and another error if it has aborted the connection.
func (s *EventStream) Next() (EventBlock, error) {
	b := EventBlock{}
	for {
		line, err := s.reader.ReadString('\n')
		if err != nil {
			return nil, err
		}
		if line = strings.TrimSuffix(line, "\n"); line == "" {
			return b, s.removeRetry(b)
		}
		name, value, _ := strings.Cut(line, ":")
		if name == "" { // a comment is a line of its own
			return EventBlock{"": value}, nil
		}
		b[name] = strings.TrimPrefix(value, " ")
	}
}

// removeRetry removes the field retry from the first event.
func (s *EventStream) removeRetry(b EventBlock) error {
	if _, has := b["retry"]; has == s.started || has && b["retry"] != "1000" {
		return errRetryField
	}
	s.started = true
	delete(b, "retry")
	return nil
}

// ReadIDs reads n events and returns their ids. It skips comments.
func (s *EventStream) ReadIDs(t *testing.T, n int) []string {
	t.Helper()
	var ids []string
	for len(ids) < n {
		b, err := s.Next()
		require.NoError(t, err)
		if _, comment := b[""]; comment {
			continue
		}
		require.Empty(t, b["event"])
		var event struct {
			EventID string `json:"eventId"`
		}
		require.NoError(t, json.Unmarshal([]byte(b["data"]), &event))
		require.True(t, strings.HasSuffix(b["id"], "/"+event.EventID), b)
		ids = append(ids, b["id"])
	}
	return ids
}

// RequireEndEvent requires that the next block is the event "end" with the given data, and that the stream is then complete.
func (s *EventStream) RequireEndEvent(t *testing.T, data string) {
	t.Helper()
	b, err := s.Next()
	require.NoError(t, err)
	require.Equal(t, "end", b["event"])
	require.NotContains(t, b, "id", "a client that reconnects sends the id of the last history event")
	require.JSONEq(t, data, b["data"])
	_, err = s.Next()
	require.ErrorIs(t, err, io.EOF)
}

// ReadToEOF reads comments until the gateway completes the stream, and returns how long that takes. It requires that
// the event "end" is missing, so that a client reconnects.
func (s *EventStream) ReadToEOF(t *testing.T) time.Duration {
	t.Helper()
	return Elapsed(func() {
		for {
			b, err := s.Next()
			if err != nil {
				require.ErrorIs(t, err, io.EOF)
				return
			}
			require.Equal(t, EventBlock{"": ""}, b)
		}
	})
}

// RequireAborted reads the stream and requires that the gateway aborts the connection, so that the client does not take the
// stream for a complete one.
func (s *EventStream) RequireAborted(t *testing.T) {
	t.Helper()
	for {
		b, err := s.Next()
		if err != nil {
			require.NotErrorIs(t, err, io.EOF, "the gateway has completed the stream")
			return
		}
		require.NotContains(t, b, "event")
	}
}
