package handlers

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/problem"
)

// cursor is the last event that a caller has of a stream; its zero value is
// before the first one. As an event's id it is <runId>/<eventId>.
type cursor struct {
	runID   string
	eventID int64
	// from is where the request says so.
	from string
}

const lastEventHeader = "Last-Event-ID"

// parseCursor reads where a stream shall go on. The header wins: a browser that
// connects again sends it with the address that it began with.
func parseCursor(h http.Header, parameter string) (cursor, error) {
	p, text := cursor{from: lastEventHeader}, strings.Join(h.Values(lastEventHeader), ",")
	if text == "" {
		p.from, text = "?lastEventId", parameter
	}
	if text == "" {
		return cursor{}, nil
	}
	runID, number, _ := strings.Cut(text, "/")
	var err error
	p.runID = runID
	p.eventID, err = strconv.ParseInt(number, 10, 64)
	if err != nil || p.eventID < 1 || strconv.FormatInt(p.eventID, 10) != number || !convert.IsRunID(runID) {
		return cursor{}, p.errForeign()
	}
	return p, nil
}

// errForeign refuses a position that no event of the stream has.
func (p cursor) errForeign() error {
	return problem.Invalid(p.from, "must be the id of an event that this stream has sent")
}
