package longpoll

import (
	"bytes"
	"context"
	"time"

	"go.temporal.io/api/enums/v1"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream"
)

// tailPageSize is the number of events in a page at most.
const tailPageSize = 1000

// tailReader reads the events that a run adds to its history.
type tailReader struct {
	client *upstream.Client
	key    HistoryKey
	// publish receives new events, and the id of the last of them.
	publish func(events [][]byte, lastEventID int64)

	// token continues after the events that were read. It is empty at the start
	// of the history, and at the end of one that the server takes for complete.
	token       []byte
	lastEventID int64
}

// read reads until the run closes, and returns the events that end with its
// close event; or until an error, or the end of ctx.
func (r *tailReader) read(ctx context.Context) ([][]byte, error) {
	if len(r.token) == 0 && r.lastEventID > 0 { // the first subscriber received no token
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
			err = Pace(ctx, begin)
		}
		if err != nil {
			return nil, err
		}
	}
}

// poll makes one upstream poll. No events mean "not yet", unless the history has
// ended.
func (r *tailReader) poll(ctx context.Context) (events [][]byte, ended bool, err error) {
	page, err := FetchPage(ctx, r.client, r.key, r.token, tailPageSize)
	if isSliceOver(ctx, err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer page.Response.Release()
	events = make([][]byte, len(page.Events))
	for i, event := range page.Events {
		events[i] = bytes.Clone(event) // the page is released before the subscribers have read it
	}
	r.token = page.Token
	return events, len(page.Token) == 0, nil
}

// newEvents returns the stored events that no subscriber has, and reports
// whether the run closes with them.
func (r *tailReader) newEvents(events [][]byte) (fresh [][]byte, closed bool, err error) {
	last := r.lastEventID
	for _, event := range events {
		head, err := ParseEventHeader(event)
		if err != nil {
			return nil, false, problem.Unreadable(err)
		}
		if head.Persisted() && head.ID > last {
			fresh, last, closed = append(fresh, event), head.ID, closed || head.Closes()
		}
	}
	r.lastEventID = last
	return fresh, closed, nil
}

// waitWhilePaused waits until a run whose history has ended without a close event
// has more events. The server takes a paused run for closed, and returns no
// token to continue with. Afterwards the history is read from the start again,
// since nothing else says where to continue.
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
