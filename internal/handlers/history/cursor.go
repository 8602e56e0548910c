package history

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/problem"
)

// cursor is the position of the last event that a caller has of a stream. The zero value
// is before the first event. In an event's id it is <runId>/<eventId>.
type cursor struct {
	runID   string
	eventID int64
	// from is the header or the parameter that has it.
	from string
}

const lastEventHeader = "Last-Event-ID"

// parseCursor returns the position to continue from. The header takes precedence: a
// browser that reconnects sends it with the URL of its first request.
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

// errForeign returns the problem of a position that is not of this stream.
func (p cursor) errForeign() error {
	return problem.Invalid(p.from, "must be the id of an event that this stream has sent")
}
