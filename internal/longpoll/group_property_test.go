package longpoll_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/upstream"
)

// model contains a group and the state that the group is expected to have.
type model struct {
	group             *longpoll.Group[string, int]
	inFlight, callers telemetry.Gauge
	ctx               context.Context //nolint:containedctx // all callers have the same principal

	// polls contains the polls in flight, by key. members contains the callers that
	// have not left, including the callers of polls that have ended.
	polls   map[string]*modelPoll
	members []member

	mu      sync.Mutex
	running map[string]int // number of calls of run that have not returned, by key
	started []*modelPoll   // all polls that were ever started
}

type modelPoll struct {
	ctx     context.Context //nolint:containedctx // the test checks whether the group has cancelled it
	end     chan int        // ends the poll with the state that is sent
	callers int
}

type member struct {
	poll  *longpoll.Poll[string, int]
	model *modelPoll
}

// run runs a poll until the test ends it or its context ends.
func (m *model) run(ctx context.Context, p *longpoll.Poll[string, int]) func(*int) {
	poll := &modelPoll{ctx: ctx, end: make(chan int)}
	m.mu.Lock()
	m.running[p.Key]++
	m.started = append(m.started, poll)
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.running[p.Key]--
	}()
	select {
	case final := <-poll.end:
		return func(state *int) { *state = final }
	case <-ctx.Done():
		return nil
	}
}

func drawKey(t *rapid.T) string { return rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "key") }

// join adds a caller. The caller must share the poll in flight, or start exactly one.
func (m *model) join(t *rapid.T) {
	key := drawKey(t)
	shared := m.polls[key]
	before := m.starts()
	p := m.group.Join(m.ctx, key, upstream.CallOptions{}, 0, func(state *int) bool {
		*state++
		return true
	})
	synctest.Wait()
	if shared == nil {
		require.Equal(t, before+1, m.starts(), "one poll starts for %s", key)
		shared = m.started[before]
		m.polls[key] = shared
	} else {
		require.Equal(t, before, m.starts(), "the poll for %s is shared", key)
	}
	shared.callers++
	m.members = append(m.members, member{p, shared})
}

// reject makes the join function reject a caller, which must not start a poll.
func (m *model) reject(t *rapid.T) {
	before := m.starts()
	require.Nil(t, m.group.Join(m.ctx, drawKey(t), upstream.CallOptions{}, 0, func(*int) bool { return false }))
	synctest.Wait()
	require.Equal(t, before, m.starts())
}

func (m *model) starts() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.started)
}

// leave removes a caller and checks that the poll is cancelled if and only if no callers
// remain.
func (m *model) leave(t *rapid.T) {
	if len(m.members) == 0 {
		t.Skip("the group has no caller")
	}
	i := rapid.IntRange(0, len(m.members)-1).Draw(t, "caller")
	caller := m.members[i]
	m.members = slices.Delete(m.members, i, i+1)
	ended := caller.model.ctx.Err() != nil
	caller.poll.Leave()
	synctest.Wait()
	caller.model.callers--
	require.Equal(t, ended || caller.model.callers == 0, caller.model.ctx.Err() != nil)
	if caller.model.callers == 0 {
		m.remove(caller.model)
	}
}

// end ends a poll and checks that all callers of the poll can read the final state.
func (m *model) end(t *rapid.T) {
	if len(m.polls) == 0 {
		t.Skip("no poll is in flight")
	}
	key := rapid.SampledFrom(slices.Sorted(maps.Keys(m.polls))).Draw(t, "poll")
	poll := m.polls[key]
	const final = -1 // no other state is negative
	poll.end <- final
	synctest.Wait()
	m.remove(poll)
	for _, member := range m.members {
		if member.model == poll {
			require.Equal(t, final, member.poll.State())
		}
	}
}

func (m *model) remove(poll *modelPoll) {
	maps.DeleteFunc(m.polls, func(_ string, p *modelPoll) bool { return p == poll })
}

// check compares the group with the model.
func (m *model) check(t *rapid.T) {
	synctest.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, n := range m.running {
		require.Equal(t, boolToInt(m.polls[key] != nil), n, "polls for %s", key)
	}
	require.EqualValues(t, len(m.polls), m.inFlight.Value())
	require.EqualValues(t, len(m.members), m.callers.Value())
	for _, member := range m.members {
		inFlight := slices.Contains(slices.Collect(maps.Values(m.polls)), member.model)
		select {
		case <-member.poll.Done():
			require.False(t, inFlight)
		default:
			require.True(t, inFlight)
			require.GreaterOrEqual(t, member.poll.State(), member.model.callers, "each join increments the state")
		}
	}
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Callers join and leave polls, and polls end, in random order. There must never be more
// than one poll for a key, a poll must not be cancelled before its last caller has left,
// and no poll may remain at the end.
func TestGroupMatchesItsModel(t *testing.T) {
	t.Parallel()
	client, ctx := newFixture(t).client, readerContext(t)
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			base, stop := context.WithCancel(context.Background())
			defer stop()
			m := &model{ctx: ctx, polls: map[string]*modelPoll{}, running: map[string]int{}}
			m.group = longpoll.NewGroup(base, client, &m.inFlight, &m.callers, m.run)
			defer func() {
				for _, member := range m.members {
					member.poll.Leave()
				}
				m.group.Close()
				require.Zero(t, m.inFlight.Value())
				require.Zero(t, m.callers.Value())
			}()
			// Rapid calls the action "" after each of the others.
			t.Repeat(map[string]func(*rapid.T){"join": m.join, "reject": m.reject, "leave": m.leave, "end": m.end, "": m.check})
			if rapid.Bool().Draw(t, "stop first") {
				stop()
				m.group.Close()
			}
		})
	})
}

// The callers run concurrently, so that the race detector can check the group.
func TestConcurrentCallersShareOnePoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, ctx := newFixture(t), readerContext(t)
		m := &model{running: map[string]int{}}
		m.group = longpoll.NewGroup(t.Context(), f.client, &m.inFlight, &m.callers, m.run)
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() {
				p := m.group.Join(ctx, "a", upstream.CallOptions{}, 0, func(*int) bool { return true })
				defer p.Leave()
				p.Update(func(state *int) { *state++ })
				_ = p.State()
			})
		}
		callers.Wait()
		m.group.Close()
		require.Zero(t, m.inFlight.Value())
		require.Zero(t, m.callers.Value())
	})
}
