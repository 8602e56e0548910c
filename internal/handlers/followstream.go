package handlers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"google.golang.org/grpc/metadata"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream"
)

// maxStreamDuration is how long one stream lasts. Its caller goes on with another one,
// and has to show again that it may: a key that was taken away does not read
// for as long as its connection holds.
const maxStreamDuration = time.Hour

// errStreamRotated ends a stream that goes on in another one: it looks to its caller
// like a connection that ended, and not like the workflow's end.
var errStreamRotated = errors.New("the stream goes on in another one")

// hasNext reports whether the stream goes on after a run.
func (f *follower) hasNext(o *Outcome) bool { return f.followRuns && o.NewRunID != "" }

// drop ends a stream that does not begin.
func (f *follower) drop() {
	if f.first != nil {
		f.first.response.Release()
	}
	f.leave()
	f.waitSlot.Release()
}

// stream is the answer's body.
func (f *follower) stream(w http.ResponseWriter) error {
	defer f.waitSlot.Release()
	defer f.leave()
	if f.request.request.Method == http.MethodHead {
		newEventWriter(w, nil).close()
		return nil
	}
	f.upstream.Room = nil // of the pages alone, by Next
	// The request's own context: a stream has no budget of time.
	ctx, end := context.WithCancelCause(upstream.NewContext(f.request.request.Context(), &f.upstream))
	defer end(nil)
	leave := func() { end(errStreamRotated) }
	stop, timer := context.AfterFunc(f.api.draining, leave), time.AfterFunc(f.maxDuration(), leave)
	defer func() {
		stop()
		timer.Stop()
	}()
	out := newEventWriter(w, end)
	defer out.close()
	err := out.text(retryBlock)
	if err == nil {
		err = f.run(ctx, out)
	}
	out.close()
	if err == nil || errors.Is(context.Cause(ctx), errStreamRotated) {
		return nil
	}
	if !errors.As(err, new(*problem.Error)) { // it could not be written
		err = upstream.Canceled(ctx, err)
	}
	abort(ctx, err)
	return nil
}

// maxDuration is how long the stream may go on: what showed who calls may end.
func (f *follower) maxDuration() time.Duration {
	if expires := f.request.Principal.Expires; !expires.IsZero() {
		return min(maxStreamDuration, time.Until(expires))
	}
	return maxStreamDuration
}

// run sends page after page and run after run, until the last run has closed.
func (f *follower) run(ctx context.Context, out *eventWriter) error {
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
			f.historyLength = f.read // whatever was told of more
			err = sleep(ctx, pollPace-time.Since(begin))
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

// fetchNext gives the next page: one of what there is, in a place among the reads as
// the pages of all streams, or one that is waited for together with others.
func (f *follower) next(ctx context.Context) (*historyPage, error) {
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
	page := &historyPage{}
	_, err := f.request.Next(ctx, func(ctx context.Context) (got upstream.Response, err error) {
		if page, err = f.get(ctx); err == nil {
			got = page.response
		}
		return got, err
	})
	if err != nil {
		return nil, err
	}
	f.token = page.token
	return page, nil
}

// fetch gets the page that comes after what was read, and goes on behind it.
func (f *follower) fetch(ctx context.Context) (*historyPage, error) {
	page, err := f.get(ctx)
	if err != nil {
		return nil, err
	}
	f.token = page.token
	return page, nil
}

func (f *follower) get(ctx context.Context) (*historyPage, error) {
	return pollHistoryPage(ctx, f.api.options.Upstream, f.history(), f.token, f.pageSize)
}

// join makes the stream one of those that wait for more of the run, unless there
// is more already.
func (f *follower) join(ctx context.Context) {
	f.tail, f.nextPage, f.historyLength = f.api.historyTails.join(ctx, tailKey{
		historyKey: f.history(),
		credential: f.api.options.Upstream.CredentialID(f.request.Principal, f.request.namespace), scope: f.request.Principal.Capability.Scope(),
		metadata: metadataKey(metadata.New(f.request.Principal.Metadata), f.upstream.Metadata),
	}, f.upstream, f.read, f.token)
}

// leave ends the stream's part in the wait.
func (f *follower) leave() {
	if f.tail != nil {
		f.api.historyTails.leave(f.tail)
		f.tail, f.nextPage = nil, nil
	}
}

// waitForOutcome gives the page that all who wait get.
func (f *follower) wait(ctx context.Context) (*historyPage, error) {
	select {
	case <-f.nextPage.ready:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	page := f.nextPage
	f.nextPage = page.next
	size := 0
	for _, item := range page.items {
		size += len(item)
	}
	if err := f.request.ReserveNext(ctx, size); err != nil { // other streams share the page, each writes it
		return nil, err
	}
	return &historyPage{items: page.items}, page.err
}

// send writes the events of a page that the caller does not have, and gives the
// run's outcome when it closed with one of them.
func (f *follower) send(out *eventWriter, page *historyPage) (closing *Outcome, err error) {
	defer f.request.ReleaseBytes() // nothing is held while the stream waits
	defer page.response.Release()
	if len(page.items) > 0 {
		err = out.send(func(w io.Writer) error {
			closing, err = f.events(w, page.items)
			return err
		})
	}
	return closing, err
}

// events is send of one page's.
func (f *follower) events(w io.Writer, items [][]byte) (closing *Outcome, err error) {
	var text []byte
	for _, item := range items {
		head, err := parseEventHeader(item)
		if err != nil {
			return nil, unreadableResponse(err)
		}
		if !head.persisted() {
			continue
		}
		if f.read = head.id; head.closes() {
			if closing, err = parseOutcome(item); err != nil {
				return nil, unreadableResponse(err)
			}
		}
		if head.id <= f.sent || f.history().closesOnly() && closing == nil { // a run that is paused shows its last event for the close
			continue
		}
		if text, err = f.appendEvent(text[:0], head.id, item); err != nil {
			return nil, unreadableResponse(err)
		}
		if _, err := w.Write(text); err != nil {
			return nil, err
		}
		f.sent = head.id
	}
	return closing, nil
}

func (f *follower) appendEvent(dst []byte, id int64, event []byte) ([]byte, error) {
	dst = fmt.Appendf(dst, "id: %s/%d\ndata: ", f.runID, id)
	at := len(dst)
	dst, err := f.api.views.event.AppendJSON(dst, event, f.form, nil)
	if err != nil {
		return dst, err
	}
	return append(dst[:at], append(stripNewlines(dst[at:]), '\n')...), nil // the blank line is what sends an event
}

// nextRun turns to the run that succeeds the one that was read.
func (f *follower) nextRun(ctx context.Context, runID string) error {
	return f.request.InSlot(ctx, func() error {
		_, err := f.switchTo(ctx, runID)
		return err
	})
}

// end tells that nothing comes any more.
func (f *follower) end(out *eventWriter, o *Outcome) error {
	text, err := json.Marshal(struct {
		WorkflowID string `json:"workflowId"`
		RunID      string `json:"runId"`
		Status     string `json:"status"`
		NewRunID   string `json:"newRunId,omitempty"`
	}{f.workflowID, f.runID, o.Status, o.NewRunID}, jsonOptions())
	if err != nil {
		return err
	}
	return out.text("event: end\ndata: " + string(text) + "\n\n")
}
