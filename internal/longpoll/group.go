package longpoll

import (
	"context"
	"sync"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/upstream"
)

// Group is a set of shared polls of one kind. Two callers share a poll if they wait for
// the same key K and Temporal would send both the same response. P is the state that a
// poll shares with its callers. A Group is safe for concurrent use.
//
// One lock guards the set of polls, and the callers and the state of each poll, so there
// is no lock order. The lock is never held during an upstream call.
type Group[K comparable, P any] struct {
	base     context.Context //nolint:containedctx // polls run for the group's lifetime, not a request's
	client   *upstream.Client
	inFlight *telemetry.Gauge
	callers  *telemetry.Gauge
	run      func(ctx context.Context, p *Poll[K, P]) (setResult func(state *P))

	running sync.WaitGroup

	mu    sync.Mutex
	polls map[pollID[K]]*Poll[K, P]
}

// pollID is equal for callers that may share a poll.
type pollID[K comparable] struct {
	caller callerKey
	key    K
}

// Poll is one shared poll.
type Poll[K comparable, P any] struct {
	// Key identifies what the callers wait for.
	Key K

	group  *Group[K, P]
	id     pollID[K]
	cancel context.CancelFunc
	done   chan struct{}

	// The group's lock guards the fields below.
	callers int
	state   P
}

// NewGroup returns an empty group. The gauges inFlight and callers count its polls in
// flight and their callers; callers may be nil.
//
// run runs one poll. Its ctx has the principal and the call options of the caller that
// started the poll. ctx ends with base, or when the last caller has left. run may return
// a function that sets the final state. The group calls that function and removes the
// poll in one critical section, so that no caller can join a poll that has ended.
func NewGroup[K comparable, P any](
	base context.Context, client *upstream.Client, inFlight, callers *telemetry.Gauge,
	run func(ctx context.Context, p *Poll[K, P]) (setResult func(state *P)),
) *Group[K, P] {
	return &Group[K, P]{
		base: base, client: client, inFlight: inFlight, callers: callers, run: run,
		polls: map[pollID[K]]*Poll[K, P]{},
	}
}

// Close waits until all polls have ended.
func (g *Group[K, P]) Close() { g.running.Wait() }

// Join adds the caller in ctx to the poll for key. The caller must leave the poll.
//
// If no poll for the key is in flight, Join starts one with the initial state and the
// options in call. join runs under the group's lock and may change the state. If join
// returns false, the caller does not join, and Join returns nil.
func (g *Group[K, P]) Join(
	ctx context.Context, key K, call upstream.CallOptions, initial P, join func(state *P) bool,
) *Poll[K, P] {
	principal, _ := auth.PrincipalFrom(ctx)
	id := pollID[K]{caller: callerKeyOf(g.client, principal, &call), key: key}
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.polls[id]
	if p == nil {
		p = &Poll[K, P]{Key: key, group: g, id: id, done: make(chan struct{}), state: initial}
	}
	if !join(&p.state) {
		return nil
	}
	if p.callers == 0 {
		g.start(p, principal, call)
	}
	p.callers++
	if g.callers != nil {
		g.callers.Inc()
	}
	return p
}

// start runs a poll with the credentials of a principal. The context of the poll is not
// that of the request, because the caller that started it may leave before the others.
// g.mu must be held.
func (g *Group[K, P]) start(p *Poll[K, P], principal *auth.Principal, call upstream.CallOptions) {
	call.Memory, call.Trail = nil, nil // they belong to the request that started the poll
	ctx, cancel := context.WithCancel(upstream.WithOptions(auth.WithPrincipal(g.base, principal), &call))
	p.cancel = cancel
	g.polls[p.id] = p
	g.inFlight.Inc()
	g.running.Go(func() {
		defer g.inFlight.Dec()
		defer cancel()
		setResult := g.run(ctx, p)
		g.mu.Lock()
		defer g.mu.Unlock()
		if setResult != nil {
			setResult(&p.state)
		}
		g.remove(p)
		close(p.done)
	})
}

// remove removes the poll, so that the next equal wait starts another one. g.mu must be
// held.
func (g *Group[K, P]) remove(p *Poll[K, P]) {
	if g.polls[p.id] == p { // not if p was removed before and another poll has its place
		delete(g.polls, p.id)
	}
}

// Leave removes one caller. The poll ends when its last caller leaves.
func (p *Poll[K, P]) Leave() {
	g := p.group
	if g.callers != nil {
		g.callers.Dec()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if p.callers--; p.callers == 0 {
		g.remove(p)
		p.cancel()
	}
}

// Done returns a channel that is closed when the poll has ended. The state of the poll
// does not change afterwards.
func (p *Poll[K, P]) Done() <-chan struct{} { return p.done }

// State returns a copy of the state.
func (p *Poll[K, P]) State() P {
	p.group.mu.Lock()
	defer p.group.mu.Unlock()
	return p.state
}

// Update changes the state under the group's lock.
func (p *Poll[K, P]) Update(change func(state *P)) {
	p.group.mu.Lock()
	defer p.group.mu.Unlock()
	change(&p.state)
}
