package server_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
)

// lasts reads comments to the end of a stream, which must be that of a stream
// that goes on elsewhere: neither the workflow's end nor a cut.
func (s *eventStream) lasts(t *testing.T) time.Duration {
	t.Helper()
	return elapsed(func() {
		for {
			b, err := s.next()
			if err != nil {
				require.ErrorIs(t, err, io.EOF)
				return
			}
			require.Equal(t, block{"": ""}, b)
		}
	})
}

// cut reads on to the end, which must not look like one.
func (s *eventStream) cut(t *testing.T) {
	t.Helper()
	for {
		b, err := s.next()
		if err != nil {
			require.NotErrorIs(t, err, io.EOF, "it ends like a stream that is complete")
			return
		}
		require.NotContains(t, b, "event")
	}
}

// block is one of a stream's, by its fields; a comment is the field "".
type block map[string]string

// eventStream is one being read.
type eventStream struct {
	response *http.Response
	leave    context.CancelFunc
	reader   *bufio.Reader
}

// follow opens a stream, and reads the block that all begin with.
func (g *gateway) follow(t *testing.T, query string, headers ...string) *eventStream {
	t.Helper()
	ctx, leave := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://gateway"+eventsPath+query, nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+writerKey)
	request.Header.Set("Accept", "text/event-stream")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := g.client.Do(request) // closed by the stream's close
	require.NoError(t, err)
	s := &eventStream{response: response, leave: leave, reader: bufio.NewReader(response.Body)}
	t.Cleanup(s.close)
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, "text/event-stream", response.Header.Get("Content-Type"))
	require.Equal(t, "no-store", response.Header.Get("Cache-Control"))
	require.Equal(t, "no", response.Header.Get("X-Accel-Buffering"))
	first, err := s.next()
	require.NoError(t, err)
	require.Equal(t, block{"retry": "1000"}, first)
	return s
}

func (s *eventStream) close() {
	s.leave()
	_ = s.response.Body.Close()
}

// next reads a block.
func (s *eventStream) next() (block, error) {
	b := block{}
	for {
		line, err := s.reader.ReadString('\n')
		if err != nil {
			return nil, err
		}
		if line = strings.TrimSuffix(line, "\n"); line == "" {
			return b, nil
		}
		name, value, _ := strings.Cut(line, ":")
		b[name] = strings.TrimPrefix(value, " ")
	}
}

// ids reads n events and gives their ids.
func (s *eventStream) ids(t *testing.T, n int) []string {
	t.Helper()
	var ids []string
	for len(ids) < n {
		b, err := s.next()
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

// end reads the end of the workflow, and that of the stream.
func (s *eventStream) end(t *testing.T, data string) {
	t.Helper()
	b, err := s.next()
	require.NoError(t, err)
	require.Equal(t, "end", b["event"])
	require.NotContains(t, b, "id", "the last event stays where to go on")
	require.JSONEq(t, data, b["data"])
	_, err = s.next()
	require.ErrorIs(t, err, io.EOF)
}
