package handlers

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/upstream"
)

// outcomeKey tells waits that the upstream would answer alike. The credential
// and the metadata that a call goes out with are part of it: the upstream may
// show different callers different things.
type outcomeKey struct {
	namespace, workflowID, runID string
	followRuns, followReset      bool
	credential, metadata         string
	// scope is that of a delegated token: a poll serves callers that may read the same.
	scope string
}

// outcomePolls are the waits in flight. Equal ones share one upstream poll.
type outcomePolls struct {
	base     context.Context //nolint:containedctx // the polls' life is the API's, not a request's
	client   *upstream.Client
	metrics  *telemetry.Metrics
	longPoll time.Duration // deadline of a poll at most
	polls    sync.WaitGroup

	mu    sync.Mutex
	byKey map[outcomeKey]*outcomePoll
}

func newOutcomePolls(base context.Context, options Options) *outcomePolls {
	return &outcomePolls{
		base: base, client: options.Upstream, metrics: options.Metrics, longPoll: options.Limits.LongPoll,
		byKey: map[outcomeKey]*outcomePoll{},
	}
}

// close waits for the polls to end.
func (ws *outcomePolls) close() { ws.polls.Wait() }

// outcomePoll is one shared poll and its waiters.
type outcomePoll struct {
	key    outcomeKey
	cancel context.CancelFunc
	done   chan struct{} // closed when outcome or err is set

	outcome *Outcome
	err     error

	mu      sync.Mutex
	waiters int
	until   time.Time // when the most patient waiter leaves
	pending Pending   // what is known of the run meanwhile
}

// join enters the watch of key, and starts its poll when it is the first. The
// caller must leave it again.
func (ws *outcomePolls) join(ctx context.Context, key outcomeKey, call upstream.CallOptions, until time.Time) *outcomePoll {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	w := ws.byKey[key]
	if w == nil {
		w = ws.start(ctx, key, call, until)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiters++
	if until.After(w.until) {
		w.until = until
	}
	ws.metrics.WaitCallers.Inc()
	return w
}

// start begins a poll in the name of the caller in ctx, but with the API's
// life: the caller may leave before the others do.
func (ws *outcomePolls) start(ctx context.Context, key outcomeKey, call upstream.CallOptions, until time.Time) *outcomePoll {
	principal, _ := auth.PrincipalFrom(ctx)
	call.Room = nil // it is one request's
	pollCtx, cancel := context.WithCancel(auth.WithPrincipal(ws.base, principal))
	w := &outcomePoll{
		key: key, cancel: cancel, done: make(chan struct{}), until: until,
		pending: Pending{WorkflowID: key.workflowID, RunID: key.runID},
	}
	ws.byKey[key] = w
	ws.metrics.WaitPolls.Inc()
	ws.polls.Go(func() {
		defer ws.metrics.WaitPolls.Dec()
		defer cancel()
		outcome, err := newOutcomePoller(ws.client, w, call, ws.longPoll).run(pollCtx)
		ws.mu.Lock()
		defer ws.mu.Unlock()
		w.outcome, w.err = outcome, err
		ws.forget(w)
		close(w.done)
	})
	return w
}

// leave ends one caller's wait, and the poll with the last one.
func (ws *outcomePolls) leave(w *outcomePoll) {
	ws.metrics.WaitCallers.Dec()
	ws.mu.Lock()
	defer ws.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiters--; w.waiters == 0 {
		ws.forget(w)
		w.cancel()
	}
}

// forget makes the next equal wait start a poll of its own. It needs ws.mu.
func (ws *outcomePolls) forget(w *outcomePoll) {
	if ws.byKey[w.key] == w {
		delete(ws.byKey, w.key)
	}
}

// timeLeft is how long the most patient waiter still stays.
func (w *outcomePoll) timeLeft() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Until(w.until)
}

// setRun notes which run is waited for.
func (w *outcomePoll) setRun(runID, firstExecutionRunID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending.RunID = runID
	if firstExecutionRunID != "" {
		w.pending.FirstExecutionRunID = firstExecutionRunID
	}
}

// pendingRun gives what is known while the run goes on.
func (w *outcomePoll) pendingRun() Pending {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pending
}

// metadataKey writes metadata so that equal metadata, and no other, is equal text.
func metadataKey(layers ...metadata.MD) string {
	var text strings.Builder
	for _, md := range layers {
		keys := slices.Sorted(maps.Keys(md))
		_, _ = fmt.Fprintf(&text, "%d", len(keys))
		for _, key := range keys {
			_, _ = fmt.Fprintf(&text, "%q%q", key, md[key])
		}
	}
	return text.String()
}
