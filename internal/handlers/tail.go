package handlers

import (
	"bytes"
	"context"
	"sync"
	"time"

	"go.temporal.io/api/enums/v1"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/upstream"
)

// tailKey tells the ends of histories apart, as outcomeKey does the waits for
// outcomes: the upstream may show different callers different things.
type tailKey struct {
	historyKey
	credential, metadata string
	// scope is that of a delegated token: a poll serves callers that may read the same.
	scope string
}

// tailGroup are the histories that streams have read to the end, and wait for more
// of. Those who wait at the same one share one upstream poll.
type tailGroup struct {
	base     context.Context //nolint:containedctx // the polls' life is the API's, not a request's
	client   *upstream.Client
	metrics  *telemetry.Metrics
	maxSlice time.Duration
	polls    sync.WaitGroup

	mu    sync.Mutex
	byKey map[tailKey]*tail
}

func newTailGroup(base context.Context, options Options) *tailGroup {
	return &tailGroup{
		base: base, client: options.Upstream, metrics: options.Metrics,
		maxSlice: min(maxSlice, options.Limits.LongPoll), byKey: map[tailKey]*tail{},
	}
}

// close waits for the polls to end.
func (ts *tailGroup) close() { ts.polls.Wait() }

// tail is the end of a run's history, as far as it has been read.
type tail struct {
	key    tailKey
	group  *tailGroup
	call   upstream.CallOptions
	cancel context.CancelFunc

	// token is where the poll, whose alone it is, goes on; none is at the start.
	token []byte

	// These need the lock of all tails. readers counts who waits, at is the last
	// event that was read, and coming what is read next.
	subscribers int
	lastEventID int64
	nextPage    *tailPage
}

// tailPage is what all readers of a tail get next. It is set when ready is
// closed, and then does not change.
type tailPage struct {
	ready chan struct{}
	items [][]byte
	err   error
	next  *tailPage
}

func newTailPage() *tailPage { return &tailPage{ready: make(chan struct{})} }

// join enters the tail of key, and starts its poll for the first. It is for
// whoever has read up to an event, and holds the token to go on with. When the
// others have read on meanwhile, it gives no tail, and how far there is to read.
func (ts *tailGroup) join(
	ctx context.Context, key tailKey, call upstream.CallOptions, read int64, token []byte,
) (t *tail, coming *tailPage, ahead int64) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	t = ts.byKey[key]
	switch {
	case t == nil:
		t = ts.start(ctx, key, call, read, token)
	case t.lastEventID > read && !key.closesOnly(): // whoever waits for the close alone has missed nothing
		return nil, nil, t.lastEventID
	}
	t.subscribers++
	ts.metrics.WaitCallers.Inc()
	return t, t.nextPage, read
}

// start begins a poll in the name of the caller in ctx, but with the API's
// life: the caller may leave before the others do.
func (ts *tailGroup) start(ctx context.Context, key tailKey, call upstream.CallOptions, read int64, token []byte) *tail {
	principal, _ := auth.PrincipalFrom(ctx)
	pollCtx, cancel := context.WithCancel(auth.WithPrincipal(ts.base, principal))
	t := &tail{key: key, group: ts, call: call, cancel: cancel, token: token, lastEventID: read, nextPage: newTailPage()}
	t.call.Timeout, t.call.Room = ts.maxSlice, nil // the room is one request's
	ts.byKey[key] = t
	ts.metrics.WaitPolls.Inc()
	ts.polls.Go(func() {
		defer ts.metrics.WaitPolls.Dec()
		defer cancel()
		if err := t.run(pollCtx); err != nil {
			t.publish(nil, t.lastEventID, err, true)
		}
	})
	return t
}

// leave ends one stream's wait, and the poll with the last one.
func (ts *tailGroup) leave(t *tail) {
	ts.metrics.WaitCallers.Dec()
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t.subscribers--; t.subscribers == 0 {
		ts.forget(t)
		t.cancel()
	}
}

// forget makes the next stream begin a tail of its own. It needs ts.mu.
func (ts *tailGroup) forget(t *tail) {
	if ts.byKey[t.key] == t {
		delete(ts.byKey, t.key)
	}
}

// run reads on until the run has closed, with an error, or to the end of ctx.
func (t *tail) run(ctx context.Context) error {
	if len(t.token) == 0 && t.lastEventID > 0 { // the one who came first was given no more than that
		if err := t.waitWhilePaused(ctx); err != nil {
			return err
		}
	}
	for {
		begin := time.Now()
		items, ended, err := t.poll(ctx)
		if err != nil {
			return err
		}
		fresh, at, closed, err := t.newEvents(items)
		if err != nil {
			return err
		}
		if len(fresh) > 0 {
			t.publish(fresh, at, nil, closed)
		}
		switch {
		case closed:
			return nil
		case ended:
			err = t.waitWhilePaused(ctx)
		case len(fresh) == 0:
			err = sleep(ctx, pollPace-time.Since(begin))
		}
		if err != nil {
			return err
		}
	}
}

// outcomePoller makes one upstream poll. No events are "not yet", unless the history has ended.
func (t *tail) poll(ctx context.Context) (items [][]byte, ended bool, err error) {
	page, err := pollHistoryPage(upstream.NewContext(ctx, &t.call), t.group.client, t.key.historyKey, t.token, maxPageSize)
	if problem.Is(err, problem.DeadlineExceeded) && ctx.Err() == nil {
		return nil, false, nil // "not yet" is no error
	}
	if err != nil {
		return nil, false, err
	}
	defer page.response.Release()
	items = make([][]byte, len(page.items))
	for i, item := range page.items {
		items[i] = bytes.Clone(item) // the page is gone before its readers are
	}
	t.token = page.token
	return items, len(page.token) == 0, nil
}

// newEvents gives the events that nobody has, up to which they are, and whether the
// run closes with them.
func (t *tail) newEvents(items [][]byte) (newEvents [][]byte, at int64, closed bool, err error) {
	at = t.lastEventID
	for _, item := range items {
		head, err := parseEventHeader(item)
		if err != nil {
			return nil, 0, false, unreadableResponse(err)
		}
		if head.persisted() && head.id > at {
			newEvents, at, closed = append(newEvents, item), head.id, closed || head.closes()
		}
	}
	return newEvents, at, closed, nil
}

// publish gives all readers what they wait for. After the last page nobody joins
// them any more.
func (t *tail) publish(items [][]byte, at int64, err error, last bool) {
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	page := t.nextPage
	page.items, page.err, page.next = items, err, newTailPage()
	t.lastEventID, t.nextPage = at, page.next
	if last {
		t.group.forget(t)
	}
	close(page.ready)
}

// waitWhilePaused waits until there is more of a run whose history has ended
// without a close: the server takes a run that is paused for closed, and gives
// no token to go on with. Then it is read from the start again, as nothing else
// tells where to go on.
func (t *tail) waitWhilePaused(ctx context.Context) error {
	for {
		if err := sleep(ctx, pollPace); err != nil {
			return err
		}
		run, err := describeRun(ctx, t.group.client, t.call, t.key.workflowID, t.key.runID)
		if err != nil {
			return err
		}
		info := run.GetWorkflowExecutionInfo()
		if info.GetHistoryLength() > t.lastEventID {
			return nil
		}
		if info.GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_PAUSED {
			return problem.New(problem.UpstreamError, "The Temporal server ended the history of a run that has not closed.")
		}
	}
}
