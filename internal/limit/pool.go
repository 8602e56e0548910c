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

// Pool bounds the requests of one kind that are in flight. It is safe for
// concurrent use.
type Pool struct {
	size  PoolSize
	gauge *telemetry.Gauge

	queued atomic.Int64

	slots chan struct{} // one in it for each that is taken

	mu      sync.Mutex
	callers map[string]*caller
}

// PoolSize says how many requests a [Pool] takes.
type PoolSize struct {
	// Slots are for all callers together.
	Slots int
	// Share is the part of them that one caller may have, above 0 and at most 1.
	Share float64
	// Queue is how many requests may wait for a place of their caller's own, and
	// QueueTime how long.
	Queue     int
	QueueTime time.Duration
}

// caller is one with requests in the pool.
type caller struct {
	slots    chan struct{} // one in it for each that is taken; a channel serves who waits in turn
	requests int           // that hold a place or wait for one
}

// NewPool makes a pool. The gauge shows how many places are taken.
func NewPool(size PoolSize, gauge *telemetry.Gauge) *Pool {
	return &Pool{size: size, gauge: gauge, slots: make(chan struct{}, size.Slots), callers: map[string]*caller{}}
}

// Acquire takes a place for a caller, whose share may be another than the pool's;
// zero means the pool's. One that holds its share waits for a place
// of its own: it is slowed down to what it may have, and a client that repeats
// whatever is refused cannot turn refusals into a flood of their own. When all
// places are taken nobody waits: a queue of everybody's would only make all of
// them late. The errors are [problem.RateLimited] for the one,
// [problem.Overloaded] for the other.
func (p *Pool) Acquire(ctx context.Context, name string, share float64) (Slot, error) {
	if len(p.slots) == cap(p.slots) { // nobody gets in line for what there is none of
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

// Resume takes a place for the next part of a request that has begun to be
// answered, as a stream has, and can no longer be told to come again: it waits
// in the caller's line and then for one of everybody's places, before those that
// [Pool.Acquire], until ctx ends. The error is then that of ctx.
func (p *Pool) Resume(ctx context.Context, name string, share float64) (Slot, error) {
	c := p.register(name, share)
	for _, places := range []chan struct{}{c.slots, p.slots} {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			if places == p.slots {
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
	return problem.New(problem.Overloaded, "This replica has as many requests of this kind in flight as it takes.")
}

// acquireCallerSlot takes one of the caller's own places.
func (p *Pool) acquireCallerSlot(ctx context.Context, c *caller) error {
	select {
	case c.slots <- struct{}{}:
		return nil
	default:
	}
	refused := problem.New(problem.RateLimited, "You have as many requests of this kind in flight as one caller may have.")
	if p.queued.Add(1) > int64(p.size.Queue) {
		p.queued.Add(-1)
		return refused
	}
	defer p.queued.Add(-1)
	timer := time.NewTimer(p.size.QueueTime)
	defer timer.Stop()
	select {
	case c.slots <- struct{}{}:
		return nil
	case <-timer.C:
		return refused
	case <-ctx.Done():
		return refused.WithCause(ctx.Err())
	}
}

// register announces a request of a caller. A share that has changed counts from
// when the caller has nothing in flight.
func (p *Pool) register(name string, share float64) *caller {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.callers[name]
	if c == nil {
		places := int(cmp.Or(share, p.size.Share) * float64(p.size.Slots))
		c = &caller{slots: make(chan struct{}, max(1, places))}
		p.callers[name] = c
	}
	c.requests++
	return c
}

// unregister forgets a caller with its last request.
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

// Slot is one request's in a [Pool]. The zero value holds none. It is used by
// one goroutine at a time.
type Slot struct {
	pool   *Pool
	name   string
	caller *caller
}

// Release gives the place back; the second time it does nothing.
func (p *Slot) Release() {
	if p.pool != nil {
		p.pool.release(p.name, p.caller)
		p.pool = nil
	}
}
