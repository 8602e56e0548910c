package longpoll

import (
	"context"
	"time"

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
}

// tailPage is what all subscribers of a tail receive next. It is set once, before
// ready is closed.
type tailPage struct {
	ready  chan struct{}
	events [][]byte
	err    error
	next   *tailPage
}

func newTailPage() *tailPage { return &tailPage{ready: make(chan struct{})} }

// publish delivers the next page to all subscribers.
func (s *tailState) publish(events [][]byte, lastEventID int64, err error) {
	page := s.nextPage
	page.events, page.err, page.next = events, err, newTailPage()
	s.lastEventID, s.nextPage = lastEventID, page.next
	close(page.ready)
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
// or the error that ended the poll. After the close event and after an error
// there is nothing more: the subscriber leaves.
func (t *Tail) Next(ctx context.Context) ([][]byte, error) {
	page := t.nextPage
	select {
	case <-page.ready:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	t.nextPage = page.next
	return page.events, page.err
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
