package limit

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
)

// Pool limits the requests of one kind in flight, in total and for each caller.
// It is safe for concurrent use.
type Pool struct {
	size  PoolSize
	gauge *telemetry.Gauge

	queued atomic.Int64

	slots chan struct{} // one element for each slot in use

	mu      sync.Mutex
	callers map[string]*caller
}

// PoolSize configures a [Pool].
type PoolSize struct {
	// Slots is the number of slots for all callers together.
	Slots int
	// Share is the fraction of the slots that one caller may use, above 0 and
	// at most 1.
	Share float64
	// Queue is the maximum number of requests that wait because their caller
	// uses its share, and QueueTime the maximum time that each of them waits.
	Queue     int
	QueueTime time.Duration
}

// caller has the slots of one caller with requests in the pool.
type caller struct {
	slots    chan struct{} // one element for each slot in use; a channel is first in, first out
	requests int           // that hold a slot or wait for one
}

// NewPool returns a pool with all slots free. The gauge counts the slots in
// use.
func NewPool(size PoolSize, gauge *telemetry.Gauge) *Pool {
	return &Pool{size: size, gauge: gauge, slots: make(chan struct{}, size.Slots), callers: map[string]*caller{}}
}

// Acquire takes a slot for a caller. A share of zero means the share of the
// pool.
//
// A caller that uses its share waits for one of its own slots. The wait slows
// it down to its share, so that a client that repeats each rejected request at
// once does not produce a flood of rejections. The error is
// [problem.RateLimited] if the queue is full or the wait takes too long.
//
// If all slots of the pool are in use, Acquire returns [problem.Overloaded]
// without waiting, because a queue for all callers would only delay all of
// them.
func (p *Pool) Acquire(ctx context.Context, name string, share float64) (Slot, error) {
	if len(p.slots) == cap(p.slots) { // fail fast: the pool is full
		return Slot{}, overloaded()
	}
	c := p.register(name, share)
	if err := p.acquireCallerSlot(ctx, c); err != nil {
		p.unregister(name, c)
		return Slot{}, err
	}
	select {
	case p.slots <- struct{}{}:
	default:
		<-c.slots
		p.unregister(name, c)
		return Slot{}, overloaded()
	}
	p.gauge.Inc()
	return Slot{pool: p, name: name, caller: c}, nil
}

// Resume takes a slot for the next part of a response that has begun, such as a
// stream, and can no longer be rejected. It waits for a slot of the caller and
// then for a slot of the pool, ahead of calls of [Pool.Acquire], until ctx
// ends. It then returns the cause of ctx.
func (p *Pool) Resume(ctx context.Context, name string, share float64) (Slot, error) {
	c := p.register(name, share)
	for _, slots := range []chan struct{}{c.slots, p.slots} {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			if slots == p.slots {
				<-c.slots
			}
			p.unregister(name, c)
			return Slot{}, context.Cause(ctx)
		}
	}
	p.gauge.Inc()
	return Slot{pool: p, name: name, caller: c}, nil
}

func overloaded() error {
	return problem.New(problem.Overloaded, "This replica has reached its limit of requests of this kind in flight.")
}

// acquireCallerSlot takes one of the slots of the caller's share.
func (p *Pool) acquireCallerSlot(ctx context.Context, c *caller) error {
	select {
	case c.slots <- struct{}{}:
		return nil
	default:
	}
	rejection := problem.New(problem.RateLimited, "You have reached the limit of requests of this kind in flight for one caller.")
	if p.queued.Add(1) > int64(p.size.Queue) {
		p.queued.Add(-1)
		return rejection
	}
	defer p.queued.Add(-1)
	timer := time.NewTimer(p.size.QueueTime)
	defer timer.Stop()
	select {
	case c.slots <- struct{}{}:
		return nil
	case <-timer.C:
		return rejection
	case <-ctx.Done():
		return rejection.WithCause(ctx.Err())
	}
}

// register counts a request of a caller. A changed share takes effect once the
// caller has nothing in flight.
func (p *Pool) register(name string, share float64) *caller {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.callers[name]
	if c == nil {
		slots := int(cmp.Or(share, p.size.Share) * float64(p.size.Slots))
		c = &caller{slots: make(chan struct{}, max(1, slots))}
		p.callers[name] = c
	}
	c.requests++
	return c
}

// unregister removes a request, and with its last request the caller.
func (p *Pool) unregister(name string, c *caller) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.requests--; c.requests == 0 {
		delete(p.callers, name)
	}
}

func (p *Pool) release(name string, c *caller) {
	p.gauge.Dec()
	<-p.slots
	<-c.slots
	p.unregister(name, c)
}

// Slot is the slot of one request in a [Pool]. The zero value is no slot. It
// must not be used concurrently.
type Slot struct {
	pool   *Pool
	name   string
	caller *caller
}

// Release returns the slot to the pool. A second call does nothing.
func (s *Slot) Release() {
	if s.pool != nil {
		s.pool.release(s.name, s.caller)
		s.pool = nil
	}
}
