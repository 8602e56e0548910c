package longpoll

import (
	"bytes"
	"context"
	"time"

	"go.temporal.io/api/enums/v1"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream"
)

// tailPageSize is the maximum number of events in a page.
const tailPageSize = 1000

// tailReader reads the events that a run adds to its history.
type tailReader struct {
	client *upstream.Client
	key    HistoryKey
	// publish receives new events and the id of the last one.
	publish func(events [][]byte, lastEventID int64)

	// token is the page token after the events that were read. It is empty at the
	// start of the history, and after a page that the server treats as the last one.
	token       []byte
	lastEventID int64
}

// read publishes new events until the run closes, and returns the last events,
// which end with the close event. It returns an error if a call fails or ctx ends.
func (r *tailReader) read(ctx context.Context) ([][]byte, error) {
	if len(r.token) == 0 && r.lastEventID > 0 { // the server treats the history as complete
		if err := r.waitWhilePaused(ctx); err != nil {
			return nil, err
		}
	}
	for {
		begin := time.Now()
		events, ended, err := r.poll(ctx)
		if err != nil {
			return nil, err
		}
		fresh, closed, err := r.newEvents(events)
		if err != nil || closed {
			return fresh, err
		}
		if len(fresh) > 0 {
			r.publish(fresh, r.lastEventID)
		}
		switch {
		case ended:
			err = r.waitWhilePaused(ctx)
		case len(fresh) == 0:
			err = WaitPollInterval(ctx, begin)
		}
		if err != nil {
			return nil, err
		}
	}
}

// poll makes one upstream poll. It may return no events if there are none yet.
// ended reports that the server returned the last page.
func (r *tailReader) poll(ctx context.Context) (events [][]byte, ended bool, err error) {
	page, err := FetchPage(ctx, r.client, r.key, r.token, tailPageSize)
	if isPollTimeout(ctx, err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer page.Response.Release()
	events = make([][]byte, len(page.Events))
	for i, event := range page.Events {
		events[i] = bytes.Clone(event) // subscribers read the event after the release of the response
	}
	r.token = page.Token
	return events, len(page.Token) == 0, nil
}

// newEvents returns the stored events after lastEventID, and reports whether one
// of them closes the run.
func (r *tailReader) newEvents(events [][]byte) (fresh [][]byte, closed bool, err error) {
	last := r.lastEventID
	for _, event := range events {
		header, err := ParseEventHeader(event)
		if err != nil {
			return nil, false, problem.UnreadableResponse(err)
		}
		if header.Persisted() && header.ID > last {
			fresh, last, closed = append(fresh, event), header.ID, closed || header.Closes()
		}
	}
	r.lastEventID = last
	return fresh, closed, nil
}

// waitWhilePaused waits until a paused run has new events. The server returns no next
// page token for a paused run, as if the run had closed. So the reader then reads the
// history again from the start, and newEvents skips the events that it already has.
func (r *tailReader) waitWhilePaused(ctx context.Context) error {
	for {
		if err := upstream.Sleep(ctx, pollInterval); err != nil {
			return err
		}
		run, err := DescribeRun(ctx, r.client, r.key.WorkflowID, r.key.RunID)
		if err != nil {
			return err
		}
		info := run.GetWorkflowExecutionInfo()
		if info.GetHistoryLength() > r.lastEventID {
			return nil
		}
		if info.GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_PAUSED {
			return problem.New(problem.UpstreamError, "The Temporal server ended the history of a run that has not closed.")
		}
	}
}
