package longpoll

import (
	"context"
	"time"

	"go.temporal.io/api/history/v1"

	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/upstream"
)

// Outcomes are the waits for the close event of a run.
type Outcomes struct {
	client  *upstream.Client
	longest time.Duration
	group   *Group[OutcomeKey, outcomeState]
}

// OutcomeKey is what a caller waits for.
type OutcomeKey struct {
	// RunID is empty for the current run: the one that is current when the poll
	// starts.
	WorkflowID, RunID string
	// FollowRuns and FollowReset continue the wait in the run that succeeds
	// one that has closed.
	FollowRuns, FollowReset bool
}

// Run identifies a run as far as it is known. FirstRunID is the first one of its
// chain.
type Run struct {
	WorkflowID, RunID, FirstRunID string
}

// Close is how a run ended.
type Close struct {
	Run

	// NewRunID is the run that succeeds this one, empty for none.
	NewRunID string
	// Event is the close event. Equal waits share it, so it must not be changed.
	Event *history.HistoryEvent
}

// outcomeState is what the callers of a poll share.
type outcomeState struct {
	until time.Time // when the last of them leaves
	run   Run       // that the poll waits for at present

	closed *Close
	err    error
}

func newOutcomes(base context.Context, client *upstream.Client, metrics *telemetry.Metrics, longest time.Duration) *Outcomes {
	o := &Outcomes{client: client, longest: longest}
	o.group = NewGroup(base, client, &metrics.WaitPolls, &metrics.WaitCallers, o.run)
	return o
}

// OutcomeWait is one caller's part in a poll.
type OutcomeWait struct {
	poll *Poll[OutcomeKey, outcomeState]
}

// Join waits for an outcome until a time. The caller must leave the wait.
func (o *Outcomes) Join(ctx context.Context, key OutcomeKey, call upstream.CallOptions, until time.Time) OutcomeWait {
	call.Timeout = 0 // each slice has a deadline of its own
	initial := outcomeState{until: until, run: Run{WorkflowID: key.WorkflowID, RunID: key.RunID}}
	return OutcomeWait{o.group.Join(ctx, key, call, initial, func(state *outcomeState) bool {
		if until.After(state.until) {
			state.until = until
		}
		return true
	})}
}

// Done is closed when there is a result.
func (w OutcomeWait) Done() <-chan struct{} { return w.poll.Done() }

// Result returns what the poll ended with. When base of [New] has ended the error
// is [context.Canceled], or the problem [problem.ClientClosedRequest] of the call
// that was interrupted.
func (w OutcomeWait) Result() (*Close, error) {
	state := w.poll.State()
	return state.closed, state.err
}

// Run returns the run that the wait is for at present.
func (w OutcomeWait) Run() Run { return w.poll.State().run }

// Leave ends the caller's part.
func (w OutcomeWait) Leave() { w.poll.Leave() }

// run is the shared poll.
func (o *Outcomes) run(ctx context.Context, p *Poll[OutcomeKey, outcomeState]) func(*outcomeState) {
	reader := &closeReader{
		client: o.client, longest: o.longest, key: p.Key, at: p.State().run,
		timeLeft: func() time.Duration { return time.Until(p.State().until) },
		report:   func(run Run) { p.Update(func(state *outcomeState) { state.run = run }) },
	}
	closed, err := reader.read(ctx)
	return func(state *outcomeState) { state.closed, state.err = closed, err }
}

// Read returns the close event of a run that is known to be closed. It shares
// nothing, and its calls are made under the options in ctx.
func (o *Outcomes) Read(ctx context.Context, run Run) (*Close, error) {
	until := time.Now().Add(MaxSlice)
	reader := &closeReader{
		client: o.client, longest: o.longest, key: OutcomeKey{WorkflowID: run.WorkflowID, RunID: run.RunID}, at: run,
		timeLeft: func() time.Duration { return time.Until(until) },
		report:   func(Run) {},
	}
	return reader.read(ctx)
}
