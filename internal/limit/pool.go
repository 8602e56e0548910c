package limit

import (
	"context"
	"time"

	"github.com/flowgate/flowgate/internal/telemetry"
)

// Pool bounds the requests of one kind that are in flight, in all and for each
// caller, by the rule of [Bytes]: no few callers take all the slots. It is safe
// for concurrent use.
type Pool struct{ slots *Bytes }

// PoolSize says how many requests a [Pool] admits.
type PoolSize struct {
	// Slots are for all callers together.
	Slots int
	// Share is the part of them that one caller alone may have, above 0 and at
	// most 1.
	Share float64
	// Queue is how many requests may wait for a slot of their caller's share, and
	// QueueTime how long.
	Queue     int
	QueueTime time.Duration
}

// NewPool makes a pool. The gauge shows how many slots are taken.
func NewPool(size PoolSize, gauge *telemetry.Gauge) *Pool {
	slots := NewBytes(BytesSize{Total: int64(size.Slots), Share: size.Share, Queue: size.Queue, QueueTime: size.QueueTime}, gauge)
	slots.full = "This replica has reached its limit of requests of this kind in flight."
	slots.overShare = "You have reached the limit of requests of this kind in flight for one caller."
	return &Pool{slots}
}

// Acquire takes a slot for a caller, whose share may be another than the pool's;
// zero means the pool's. A caller that holds its share waits for one of its own
// slots: it is slowed down to what it may have, and a client that repeats
// rejected requests cannot turn the rejections into a flood of their own. When
// all slots are taken, nobody waits: a queue for all callers would make all of
// them late. The errors are [problem.RateLimited] for the one,
// [problem.Overloaded] for the other.
func (p *Pool) Acquire(ctx context.Context, caller string, share float64) (Slot, error) {
	held, err := p.slots.Reserve(ctx, caller, share, 1)
	return Slot{held}, err
}

// Resume takes a slot for the next part of a response that has begun, as a
// stream's, which can no longer be rejected: it waits until ctx ends. The error
// is then the cause of ctx.
func (p *Pool) Resume(ctx context.Context, caller string, share float64) (Slot, error) {
	held := p.slots.Open(caller, share)
	err := held.Resume(ctx, 1)
	return Slot{held}, err
}

// Slot is one request's in a [Pool]. The zero value holds none. It is used by one
// goroutine at a time.
type Slot struct{ held Reservation }

// Take returns the slot and leaves s without one: the returned slot has to be
// released from then on, and releasing s does nothing.
func (s *Slot) Take() Slot {
	taken := *s
	*s = Slot{}
	return taken
}

// Release releases the slot; the second time it does nothing.
func (s *Slot) Release() { s.held.Release() }
