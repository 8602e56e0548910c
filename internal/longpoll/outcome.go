package longpoll

import (
	"context"
	"time"

	"go.temporal.io/api/history/v1"

	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/upstream"
)

// Outcomes lets callers wait for the close event of a run. Equal waits share a poll.
type Outcomes struct {
	client     *upstream.Client
	maxTimeout time.Duration
	group      *Group[OutcomeKey, outcomeState]
}

// OutcomeKey identifies the outcome that a caller waits for.
type OutcomeKey struct {
	// An empty RunID means the run that is current when the poll starts.
	WorkflowID, RunID string
	// With FollowRuns, the wait continues with the run that continue-as-new, retry
	// or cron started after the closed run. With FollowReset, it continues with the
	// run that a reset started.
	FollowRuns, FollowReset bool
}

// Run identifies a run. FirstRunID is the id of the first run of the run chain. RunID
// and FirstRunID are empty until they are known.
type Run struct {
	WorkflowID, RunID, FirstRunID string
}

// ClosedRun describes how a run ended.
type ClosedRun struct {
	Run

	// NewRunID is the run that succeeds this one, or empty.
	NewRunID string
	// Event is the close event. Equal waits share it, so it must not be modified.
	Event *history.HistoryEvent
}

// outcomeState is the state that the callers of a poll share.
type outcomeState struct {
	until time.Time // when the last caller leaves
	run   Run       // the run that the poll currently waits for

	closed *ClosedRun
	err    error
}

func newOutcomes(base context.Context, client *upstream.Client, metrics *telemetry.Metrics, maxTimeout time.Duration) *Outcomes {
	o := &Outcomes{client: client, maxTimeout: maxTimeout}
	o.group = NewGroup(base, client, &metrics.WaitPolls, &metrics.WaitCallers, o.run)
	return o
}

// OutcomeWait is the wait of one caller.
type OutcomeWait struct {
	poll *Poll[OutcomeKey, outcomeState]
}

// Join starts a wait for an outcome that lasts until the given time. The caller must
// call Leave.
func (o *Outcomes) Join(ctx context.Context, key OutcomeKey, call upstream.CallOptions, until time.Time) OutcomeWait {
	call.Timeout = 0 // closeReader sets the timeout of each poll
	initial := outcomeState{until: until, run: Run{WorkflowID: key.WorkflowID, RunID: key.RunID}}
	return OutcomeWait{o.group.Join(ctx, key, call, initial, func(state *outcomeState) bool {
		if until.After(state.until) {
			state.until = until
		}
		return true
	})}
}

// Done returns a channel that is closed when there is a result.
func (w OutcomeWait) Done() <-chan struct{} { return w.poll.Done() }

// Result returns the result of the poll. If the base context of [New] has ended, the
// error is [context.Canceled], or [problem.ClientClosedRequest] if that interrupted an
// upstream call.
func (w OutcomeWait) Result() (*ClosedRun, error) {
	state := w.poll.State()
	return state.closed, state.err
}

// Run returns the run that the wait is currently for.
func (w OutcomeWait) Run() Run { return w.poll.State().run }

// Leave ends the wait.
func (w OutcomeWait) Leave() { w.poll.Leave() }

// run is the shared poll.
func (o *Outcomes) run(ctx context.Context, p *Poll[OutcomeKey, outcomeState]) func(*outcomeState) {
	reader := &closeReader{
		client: o.client, maxTimeout: o.maxTimeout, key: p.Key, run: p.State().run,
		timeLeft: func() time.Duration { return time.Until(p.State().until) },
		report:   func(run Run) { p.Update(func(state *outcomeState) { state.run = run }) },
	}
	closed, err := reader.read(ctx)
	return func(state *outcomeState) { state.closed, state.err = closed, err }
}

// ReadClosed returns how a closed run ended. It shares no poll, and its calls use the
// options in ctx.
func (o *Outcomes) ReadClosed(ctx context.Context, run Run) (*ClosedRun, error) {
	until := time.Now().Add(MaxPollTimeout)
	reader := &closeReader{
		client: o.client, maxTimeout: o.maxTimeout, key: OutcomeKey{WorkflowID: run.WorkflowID, RunID: run.RunID}, run: run,
		timeLeft: func() time.Duration { return time.Until(until) },
		report:   func(Run) {},
	}
	return reader.read(ctx)
}
