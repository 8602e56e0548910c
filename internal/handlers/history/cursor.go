package history

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/problem"
)

// cursor identifies the last event of a stream that a caller has received. The zero value
// is the position before the first event. A server-sent event carries its cursor as its
// id, in the form <runId>/<eventId>.
type cursor struct {
	runID   string
	eventID int64
	// source is the name of the header or of the parameter that contained the cursor.
	source string
}

const lastEventHeader = "Last-Event-ID"

// parseCursor returns the position from which to resume. The header takes precedence over
// the parameter, because a browser that reconnects sends the header with the URL of its
// first request.
func parseCursor(h http.Header, parameter string) (cursor, error) {
	c, text := cursor{source: lastEventHeader}, strings.Join(h.Values(lastEventHeader), ",")
	if text == "" {
		c.source, text = "?lastEventId", parameter
	}
	if text == "" {
		return cursor{}, nil
	}
	runID, number, _ := strings.Cut(text, "/")
	var err error
	c.runID = runID
	c.eventID, err = strconv.ParseInt(number, 10, 64)
	if err != nil || c.eventID < 1 || strconv.FormatInt(c.eventID, 10) != number || !convert.IsRunID(runID) {
		return cursor{}, c.errForeign()
	}
	return c, nil
}

// errForeign returns the problem for a cursor that this stream cannot have sent.
func (c cursor) errForeign() error {
	return problem.Invalid(c.source, "must be the id of an event that this stream has sent")
}
