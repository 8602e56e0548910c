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

// Tails are the histories of which streams have read all events and wait for
// more.
type Tails struct {
	client  *upstream.Client
	longest time.Duration
	group   *Group[HistoryKey, tailState]
}

func newTails(base context.Context, client *upstream.Client, metrics *telemetry.Metrics, longest time.Duration) *Tails {
	ts := &Tails{client: client, longest: longest}
	ts.group = NewGroup(base, client, &metrics.WaitPolls, &metrics.WaitCallers, ts.run)
	return ts
}

// tailState is what the subscribers of a tail share.
type tailState struct {
	// lastEventID is that of the last event that was read.
	lastEventID int64
	nextPage    *tailPage
	// token is where the poll starts.
	token []byte
	// published are the pages that a subscriber may not have read yet. The pointers
	// are weak: a page that all subscribers have read is garbage.
	published []weak.Pointer[tailPage]
}

// maxBehind is how many bytes of events a tail keeps for subscribers that have
// not read them, in bytes. The last page is kept in any case.
const maxBehind = 1 << 20

// ErrBehind is the error of a subscriber that reads more slowly than events come:
// the tail has dropped its next page. The subscriber leaves, and reads the events
// from the server.
var ErrBehind = errors.New("the subscriber is too far behind the tail")

// tailPage is what all subscribers of a tail receive next. It is set once, before
// ready is closed; later its events may be dropped.
type tailPage struct {
	ready  chan struct{}
	events atomic.Pointer[[][]byte] // nil when they are dropped
	size   int                      // of the events, in bytes
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

// dropOldest drops the events of the oldest pages while those that a slow
// subscriber may still hold take more than maxBehind: the pages are a list, and
// its oldest reader would keep all of them.
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

// Tail is one subscriber's part in a poll for events. It is used by one
// goroutine at a time.
type Tail struct {
	poll     *Poll[HistoryKey, tailState]
	nextPage *tailPage
}

// Join subscribes a stream that has read a history up to an event, and holds the
// token that continues there. The stream must leave the tail.
//
// When the other subscribers have read beyond that event, Join returns nil and
// the id of the event up to which the stream has to catch up first.
func (ts *Tails) Join(
	ctx context.Context, key HistoryKey, call upstream.CallOptions, lastEventID int64, token []byte,
) (t *Tail, catchUp int64) {
	call.Timeout = ts.longest
	t, catchUp = &Tail{}, lastEventID
	initial := tailState{lastEventID: lastEventID, nextPage: newTailPage(), token: token}
	t.poll = ts.group.Join(ctx, key, call, initial, func(state *tailState) bool {
		if state.lastEventID > lastEventID && !key.CloseOnly() { // a stream of the close event alone has missed nothing
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

// Next returns the next events, which the subscribers share and must not change,
// or the error that ended the poll, or [ErrBehind]. After the close event and after an error
// there is nothing more: the subscriber leaves.
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
