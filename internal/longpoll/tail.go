package longpoll

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"
	"weak"

	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/upstream"
)

// Tails lets event streams wait for the next events of a history. A stream joins the
// tail of the history after it has read all existing events. The streams of a history
// share one poll.
type Tails struct {
	client     *upstream.Client
	maxTimeout time.Duration
	group      *Group[HistoryKey, tailState]
}

func newTails(base context.Context, client *upstream.Client, metrics *telemetry.Metrics, maxTimeout time.Duration) *Tails {
	ts := &Tails{client: client, maxTimeout: maxTimeout}
	ts.group = NewGroup(base, client, &metrics.WaitPolls, &metrics.WaitCallers, ts.run)
	return ts
}

// tailState is the state that the subscribers of a tail, which are streams, share.
type tailState struct {
	// lastEventID is the id of the last event that the poll has read.
	lastEventID int64
	nextPage    *tailPage
	// token is the page token at which the poll starts.
	token []byte
	// published has the pages that some subscriber may not have read yet. The
	// pointers are weak, so that a page that all subscribers have read can be
	// garbage-collected.
	published []weak.Pointer[tailPage]
}

// maxBehind is the maximum size, in bytes, of the events that a tail keeps for
// subscribers that have not read them. The last page is always kept.
const maxBehind = 1 << 20

// ErrBehind is the error for a subscriber that reads more slowly than events
// arrive: the tail has dropped the page that the subscriber would read next. The
// subscriber must leave the tail and read the events from the server.
var ErrBehind = errors.New("the subscriber is too far behind the tail")

// tailPage is a page of events for all subscribers of a tail. Its fields are set before
// ready is closed. Afterwards only events changes, to nil if the events are dropped.
type tailPage struct {
	ready  chan struct{}
	events atomic.Pointer[[][]byte]
	size   int // of the events, in bytes
	err    error
	next   *tailPage
}

func newTailPage() *tailPage { return &tailPage{ready: make(chan struct{})} }

// publish delivers the next page to all subscribers.
func (s *tailState) publish(events [][]byte, lastEventID int64, err error) {
	page := s.nextPage
	page.events.Store(&events)
	page.err, page.next = err, newTailPage()
	for _, event := range events {
		page.size += len(event)
	}
	s.lastEventID, s.nextPage = lastEventID, page.next
	s.published = append(s.published, weak.Make(page))
	s.dropOldest()
	close(page.ready)
}

// dropOldest drops the events of the oldest pages until the published pages are at
// most maxBehind bytes. Without this limit, one slow subscriber would keep all later pages
// in memory, because each page points to the next.
func (s *tailState) dropOldest() {
	kept, size := s.published[:0], 0
	for _, pointer := range s.published {
		if page := pointer.Value(); page != nil {
			kept, size = append(kept, pointer), size+page.size
		}
	}
	for len(kept) > 1 && size > maxBehind {
		if page := kept[0].Value(); page != nil {
			page.events.Store(nil)
			size -= page.size
		}
		kept = kept[1:]
	}
	s.published = slices.Clone(kept)
}

// Tail is the subscription of one stream. It is not safe for concurrent use.
type Tail struct {
	poll     *Poll[HistoryKey, tailState]
	nextPage *tailPage
}

// Join subscribes a stream that has read a history up to the event lastEventID.
// token is the page token after that event. The stream must leave the tail.
//
// If the tail has advanced past lastEventID, Join returns nil and the id of the
// event up to which the stream must read before it joins.
func (ts *Tails) Join(
	ctx context.Context, key HistoryKey, call upstream.CallOptions, lastEventID int64, token []byte,
) (t *Tail, catchUp int64) {
	call.Timeout = ts.maxTimeout
	t, catchUp = &Tail{}, lastEventID
	initial := tailState{lastEventID: lastEventID, nextPage: newTailPage(), token: token}
	t.poll = ts.group.Join(ctx, key, call, initial, func(state *tailState) bool {
		if state.lastEventID > lastEventID && !key.CloseOnly() { // a stream that reads only the close event has missed nothing
			catchUp = state.lastEventID
			return false
		}
		t.nextPage = state.nextPage
		return true
	})
	if t.poll == nil {
		return nil, catchUp
	}
	return t, catchUp
}

// Next returns the next events. The subscribers share them and must not modify
// them. The error is the error that ended the poll, or [ErrBehind]. After the close
// event or an error, the subscriber must leave the tail.
func (t *Tail) Next(ctx context.Context) ([][]byte, error) {
	page := t.nextPage
	select {
	case <-page.ready:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	events := page.events.Load()
	if events == nil {
		return nil, ErrBehind
	}
	t.nextPage = page.next
	return *events, page.err
}

// Leave ends the subscription.
func (t *Tail) Leave() { t.poll.Leave() }

// run is the shared poll.
func (ts *Tails) run(ctx context.Context, p *Poll[HistoryKey, tailState]) func(*tailState) {
	start := p.State()
	reader := &tailReader{
		client: ts.client, key: p.Key, token: start.token, lastEventID: start.lastEventID,
		publish: func(events [][]byte, lastEventID int64) {
			p.Update(func(state *tailState) { state.publish(events, lastEventID, nil) })
		},
	}
	events, err := reader.read(ctx)
	return func(state *tailState) { state.publish(events, reader.lastEventID, err) }
}
