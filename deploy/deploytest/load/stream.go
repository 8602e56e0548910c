package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// reconnectDelay is the delay before a client of an event stream reconnects, as the stream's field retry says.
const reconnectDelay = time.Second

// ErrEvents is the error of a stream in which an event is missing or repeated.
var ErrEvents = errors.New("the stream is not continuous")

// follow reads the events of the target and reconnects when a stream ends, until ctx ends. It counts the events, and
// fails for a stream that breaks and for an event that is missing or repeated.
func (l *Load) follow(ctx context.Context, name string, client *http.Client) {
	defer client.CloseIdleConnections()
	client.Timeout = 0 // a stream has no end
	lastID := ""
	for ctx.Err() == nil {
		var status int
		var err error
		if lastID, status, err = l.readStream(ctx, name, client, lastID); ctx.Err() != nil {
			return
		}
		if err != nil {
			l.fail(Failure{Client: name, Status: status, Err: err})
		} else {
			l.count(name, "end of a stream")
		}
		if !sleep(ctx, reconnectDelay) {
			return
		}
	}
}

// readStream reads one stream to its end and returns the id of the last event and the status.
func (l *Load) readStream(ctx context.Context, name string, client *http.Client, lastID string) (last string, status int, err error) {
	c := call{
		method: http.MethodGet, path: l.workflows() + "/" + l.target + "/history",
		headers: accept("text/event-stream"),
	}
	if lastID != "" {
		c.headers = append(c.headers, "Last-Event-ID", lastID)
	}
	response, err := l.send(ctx, client, c)
	if err != nil {
		return lastID, 0, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return lastID, response.StatusCode, errors.New("there is no stream")
	}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		id, ok := strings.CutPrefix(lines.Text(), "id: ")
		if !ok {
			continue
		}
		if eventNumber(id) != eventNumber(lastID)+1 {
			return id, response.StatusCode, fmt.Errorf("%w: event %q follows %q", ErrEvents, id, lastID)
		}
		lastID = id
		l.count(name, "event")
	}
	if err := lines.Err(); err != nil {
		return lastID, response.StatusCode, fmt.Errorf("the stream breaks: %w", err)
	}
	return lastID, response.StatusCode, nil
}

// eventNumber returns the number in the id of an event, "<runId>/<eventId>", and 0 for an empty id.
func eventNumber(id string) int {
	_, number, _ := strings.Cut(id, "/")
	n, _ := strconv.Atoi(number)
	return n
}
