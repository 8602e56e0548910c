package history

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/sse"
	"github.com/flowgate/flowgate/internal/upstream"
)

// maxStreamDuration is the longest duration of a stream. Its client continues in another
// one, which is authorised again: a key that was revoked must not read for as long as
// its connection lasts.
const maxStreamDuration = time.Hour

// errStreamRotated ends a stream that the client continues in another one. The client
// sees the end of a connection, not the end of the workflow.
var errStreamRotated = errors.New("the stream continues in another one")

// hasNext reports whether the stream continues in another run.
func (f *follower) hasNext(closed *longpoll.Close) bool { return f.followRuns && closed.NewRunID != "" }

// drop releases what a stream holds that does not begin.
func (f *follower) drop() {
	if f.first != nil {
		f.first.Response.Release()
	}
	f.leave()
	f.waitSlot.Release()
}

// stream writes the body of the response.
func (f *follower) stream(w http.ResponseWriter) error {
	defer f.waitSlot.Release()
	defer f.leave()
	if f.req.HTTP.Method == http.MethodHead {
		sse.NewWriter(w, nil).Close()
		return nil
	}
	f.options.Room = nil // only pages have room, by Next
	// The request's own context: a stream has no budget of time.
	ctx, end := context.WithCancelCause(upstream.NewContext(f.req.HTTP.Context(), &f.options))
	defer end(nil)
	leave := func() { end(errStreamRotated) }
	stop, timer := f.service.drain.AfterFunc(leave), time.AfterFunc(f.maxDuration(), leave)
	defer func() {
		stop()
		timer.Stop()
	}()
	out := sse.NewWriter(w, end)
	defer out.Close()
	err := out.SendRetry()
	if err == nil {
		err = f.run(ctx, out)
	}
	out.Close()
	if err == nil || errors.Is(context.Cause(ctx), errStreamRotated) {
		return nil
	}
	if !errors.As(err, new(*problem.Error)) { // it could not be written
		err = upstream.Canceled(ctx, err)
	}
	operation.Abort(ctx, err)
	return nil
}

// maxDuration returns the longest duration of the stream, which ends with its
// credential.
func (f *follower) maxDuration() time.Duration {
	if expires := f.req.Principal.Expires; !expires.IsZero() {
		return min(maxStreamDuration, time.Until(expires))
	}
	return maxStreamDuration
}

// run sends the pages of all runs until the last run has closed.
func (f *follower) run(ctx context.Context, out *sse.Writer) error {
	for {
		begin, before := time.Now(), f.read
		page, err := f.next(ctx)
		if err != nil {
			return err
		}
		closing, err := f.send(out, page)
		if err != nil {
			return err
		}
		switch {
		case closing == nil && f.read == before && f.tail == nil:
			f.historyLength = f.read // a longer history was announced
			err = longpoll.Pace(ctx, begin)
		case closing == nil:
		case f.hasNext(closing):
			err = f.nextRun(ctx, closing.NewRunID)
		default:
			return f.end(out, closing)
		}
		if err != nil {
			return err
		}
	}
}

// next returns the next page: a page of existing events, fetched in a read slot, or new
// events from the tail that equal streams share.
func (f *follower) next(ctx context.Context) (*longpoll.Page, error) {
	if page := f.first; page != nil {
		f.first = nil
		return page, nil
	}
	if f.read >= f.historyLength && f.tail == nil {
		f.join(ctx)
	}
	if f.tail != nil {
		return f.wait(ctx)
	}
	page := &longpoll.Page{}
	_, err := f.req.Next(ctx, func(ctx context.Context) (got upstream.Response, err error) {
		if page, err = f.get(ctx); err == nil {
			got = page.Response
		}
		return got, err
	})
	if err != nil {
		return nil, err
	}
	f.token = page.Token
	return page, nil
}

// fetch fetches the next page and advances the token.
func (f *follower) fetch(ctx context.Context) (*longpoll.Page, error) {
	page, err := f.get(ctx)
	if err != nil {
		return nil, err
	}
	f.token = page.Token
	return page, nil
}

func (f *follower) get(ctx context.Context) (*longpoll.Page, error) {
	return longpoll.FetchPage(ctx, f.service.upstream, f.history(), f.token, f.pageSize)
}

// join makes the stream wait for new events in a tail. If the tail has advanced past
// the stream, it remains without a tail, and has more events to fetch.
func (f *follower) join(ctx context.Context) {
	f.tail, f.historyLength = f.service.polls.Tails.Join(ctx, f.history(), f.options, f.read, f.token)
}

// leave leaves the tail.
func (f *follower) leave() {
	if f.tail != nil {
		f.tail.Leave()
		f.tail = nil
	}
}

// wait returns the next events of the tail.
func (f *follower) wait(ctx context.Context) (*longpoll.Page, error) {
	events, err := f.tail.Next(ctx)
	if errors.Is(err, longpoll.ErrBehind) { // the stream fetches what it has missed, and joins again
		f.leave()
		return &longpoll.Page{}, nil
	}
	if err != nil {
		return nil, err
	}
	size := 0
	for _, event := range events {
		size += len(event)
	}
	if err := f.req.ReserveNext(ctx, size); err != nil { // the streams share the page, and each writes it
		return nil, err
	}
	return &longpoll.Page{Events: events}, nil
}

// send writes the events of a page that the client does not have. It returns how the run
// closed if one of them is its close event.
func (f *follower) send(out *sse.Writer, page *longpoll.Page) (closing *longpoll.Close, err error) {
	defer f.req.ReleaseBytes() // nothing is held while the stream waits
	defer page.Response.Release()
	if len(page.Events) > 0 {
		err = out.Send(func(w io.Writer) error {
			closing, err = f.sendEvents(w, page.Events)
			return err
		})
	}
	return closing, err
}

// sendEvents writes the events of one page, as send does.
func (f *follower) sendEvents(w io.Writer, items [][]byte) (closing *longpoll.Close, err error) {
	var text []byte
	for _, item := range items {
		head, err := longpoll.ParseEventHeader(item)
		if err != nil {
			return nil, problem.Unreadable(err)
		}
		if !head.Persisted() {
			continue
		}
		if f.read = head.ID; head.Closes() {
			if closing, err = longpoll.ParseClose(item); err != nil {
				return nil, problem.Unreadable(err)
			}
		}
		if head.ID <= f.sent || f.history().CloseOnly() && closing == nil { // the server returns the last event of a paused run for the close event
			continue
		}
		if text, err = f.appendEvent(text[:0], head.ID, item); err != nil {
			return nil, problem.Unreadable(err)
		}
		if _, err := w.Write(text); err != nil {
			return nil, err
		}
		f.sent = head.ID
	}
	return closing, nil
}

func (f *follower) appendEvent(dst []byte, id int64, event []byte) ([]byte, error) {
	dst = fmt.Appendf(dst, "id: %s/%d\ndata: ", f.runID, id)
	at := len(dst)
	dst, err := f.service.views.event.AppendJSON(dst, event, f.form, nil)
	if err != nil {
		return dst, err
	}
	return append(dst[:at], append(convert.Line(dst[at:]), '\n')...), nil // the blank line is what sends an event
}

// nextRun switches to the run that succeeds the one that was read.
func (f *follower) nextRun(ctx context.Context, runID string) error {
	return f.req.InSlot(ctx, func() error {
		_, err := f.switchTo(ctx, runID)
		return err
	})
}

// end sends the last event of the stream.
func (f *follower) end(out *sse.Writer, closed *longpoll.Close) error {
	text, err := convert.Marshal(struct {
		WorkflowID string `json:"workflowId"`
		RunID      string `json:"runId"`
		Status     string `json:"status"`
		NewRunID   string `json:"newRunId,omitempty"`
	}{f.workflowID, f.runID, convert.Outcome(closed.Event).Status, closed.NewRunID})
	if err != nil {
		return err
	}
	return out.SendEvent("end", string(text))
}
