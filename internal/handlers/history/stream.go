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

// maxStreamDuration is the longest duration of a stream. The client then reconnects, and
// the new request is authenticated and authorised. So a revoked key cannot read for as
// long as its connection lasts.
const maxStreamDuration = time.Hour

// errStreamRotated ends a stream that the client is to resume. The client receives the
// end of the response without the event "end", which would mean that the workflow has
// closed.
var errStreamRotated = errors.New("the stream continues in another one")

// hasNext reports whether the stream continues in another run.
func (f *follower) hasNext(closed *longpoll.ClosedRun) bool {
	return f.followRuns && closed.NewRunID != ""
}

// drop releases what the stream holds, if the response never begins.
func (f *follower) drop() {
	if f.firstPage != nil {
		f.firstPage.Response.Release()
	}
	f.leaveTail()
	f.waitSlot.Release()
}

// stream writes the body of the response.
func (f *follower) stream(w http.ResponseWriter) error {
	defer f.waitSlot.Release()
	defer f.leaveTail()
	if f.req.HTTP.Method == http.MethodHead {
		sse.NewWriter(w, nil).Close()
		return nil
	}
	f.options.Memory = nil // Next reserves the memory for pages. The other calls of a stream reserve none.
	// The context of the HTTP request, because the request budget does not apply to a stream.
	ctx, cancel := context.WithCancelCause(upstream.WithOptions(f.req.HTTP.Context(), &f.options))
	defer cancel(nil)
	rotate := func() { cancel(errStreamRotated) }
	stop, timer := f.service.drain.AfterFunc(rotate), time.AfterFunc(f.maxDuration(), rotate)
	defer func() {
		stop()
		timer.Stop()
	}()
	out := sse.NewWriter(w, cancel)
	defer out.Close()
	err := f.run(ctx, out)
	out.Close()
	if err == nil || errors.Is(context.Cause(ctx), errStreamRotated) {
		return nil
	}
	if !errors.As(err, new(*problem.Error)) { // a write failed
		err = upstream.Canceled(ctx, err)
	}
	operation.Abort(ctx, err)
	return nil
}

// maxDuration returns the longest duration of the stream, which ends at the latest when
// the credential expires.
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
			f.historyLength = f.read // the server returned fewer events than the description announced
			err = longpoll.WaitPollInterval(ctx, begin)
		case closing == nil:
		case f.hasNext(closing):
			err = f.nextRun(ctx, closing.NewRunID)
		default:
			return f.sendEnd(out, closing)
		}
		if err != nil {
			return err
		}
	}
}

// next returns the next page: existing events, which it fetches in a read slot, or new
// events from the tail that the streams of the run share.
func (f *follower) next(ctx context.Context) (*longpoll.Page, error) {
	if page := f.firstPage; page != nil {
		f.firstPage = nil
		return page, nil
	}
	if f.read >= f.historyLength && f.tail == nil {
		f.joinTail(ctx)
	}
	if f.tail != nil {
		return f.waitForEvents(ctx)
	}
	page := &longpoll.Page{}
	_, err := f.req.FetchPage(ctx, func(ctx context.Context) (got upstream.Response, err error) {
		if page, err = f.getPage(ctx); err == nil {
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

// fetchNext fetches the next page and advances the token.
func (f *follower) fetchNext(ctx context.Context) (*longpoll.Page, error) {
	page, err := f.getPage(ctx)
	if err != nil {
		return nil, err
	}
	f.token = page.Token
	return page, nil
}

func (f *follower) getPage(ctx context.Context) (*longpoll.Page, error) {
	return longpoll.FetchPage(ctx, f.service.upstream, f.history(), f.token, f.pageSize)
}

// joinTail joins the tail of the run. If the tail has advanced past the stream, f.tail
// stays nil, and the stream first fetches the events up to the new historyLength.
func (f *follower) joinTail(ctx context.Context) {
	f.tail, f.historyLength = f.service.polls.Tails.Join(ctx, f.history(), f.options, f.read, f.token)
}

func (f *follower) leaveTail() {
	if f.tail != nil {
		f.tail.Leave()
		f.tail = nil
	}
}

// waitForEvents returns the next events of the tail.
func (f *follower) waitForEvents(ctx context.Context) (*longpoll.Page, error) {
	events, err := f.tail.Next(ctx)
	if errors.Is(err, longpoll.ErrBehind) { // the stream fetches the events that it has missed, and joins again
		f.leaveTail()
		return &longpoll.Page{}, nil
	}
	if err != nil {
		return nil, err
	}
	size := 0
	for _, event := range events {
		size += len(event)
	}
	if err := f.req.ReserveNextPart(ctx, size); err != nil { // each stream encodes the shared events itself
		return nil, err
	}
	return &longpoll.Page{Events: events}, nil
}

// send writes the events of a page that the client has not received. If one of them is the
// close event of the run, send returns how the run closed.
func (f *follower) send(out *sse.Writer, page *longpoll.Page) (closing *longpoll.ClosedRun, err error) {
	defer f.req.ReleaseResponse() // while it waits, the stream holds no memory for responses
	defer page.Response.Release()
	if len(page.Events) > 0 {
		err = out.Send(func(w io.Writer) error {
			closing, err = f.sendEvents(w, page.Events)
			return err
		})
	}
	return closing, err
}

// sendEvents writes the events as described for send.
func (f *follower) sendEvents(w io.Writer, items [][]byte) (closing *longpoll.ClosedRun, err error) {
	var text []byte
	for _, item := range items {
		header, err := longpoll.ParseEventHeader(item)
		if err != nil {
			return nil, problem.UnreadableResponse(err)
		}
		if !header.Persisted() {
			continue
		}
		if f.read = header.ID; header.Closes() {
			if closing, err = longpoll.ParseCloseEvent(item); err != nil {
				return nil, problem.UnreadableResponse(err)
			}
		}
		// For a paused run, the server returns the last event in place of the close event.
		if header.ID <= f.sent || f.history().CloseOnly() && closing == nil {
			continue
		}
		if text, err = f.appendEvent(text[:0], header.ID, item); err != nil {
			return nil, problem.UnreadableResponse(err)
		}
		if _, err := w.Write(text); err != nil {
			return nil, err
		}
		f.sent = header.ID
	}
	return closing, nil
}

func (f *follower) appendEvent(dst []byte, id int64, event []byte) ([]byte, error) {
	dst = fmt.Appendf(dst, "id: %s/%d\ndata: ", f.runID, id)
	start := len(dst)
	dst, err := f.service.views.event.AppendJSON(dst, event, f.form, nil)
	if err != nil {
		return dst, err
	}
	return append(dst[:start], append(convert.Line(dst[start:]), '\n')...), nil // a blank line terminates a server-sent event
}

// nextRun switches to the successor of the current run.
func (f *follower) nextRun(ctx context.Context, runID string) error {
	return f.req.WithSlot(ctx, func() error {
		_, err := f.switchTo(ctx, runID)
		return err
	})
}

// sendEnd sends the event "end", the last one of the stream.
func (f *follower) sendEnd(out *sse.Writer, closed *longpoll.ClosedRun) error {
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
