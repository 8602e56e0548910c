package limit

import (
	"context"
	"time"

	"github.com/flowgate/flowgate/internal/telemetry"
)

// Pool limits the requests of one kind in flight, in total and for each caller. It uses
// [Bytes] to count slots instead of bytes, so that a few callers cannot use all slots. It
// is safe for concurrent use.
type Pool struct{ slots *Bytes }

// PoolConfig configures [Pool].
type PoolConfig struct {
	// Slots is the limit for all callers together.
	Slots int
	// Share is the fraction of the slots that a caller may have while no other
	// caller has any, above 0 and at most 1.
	Share float64
	// Queue is the maximum number of requests that wait because their caller is
	// at its limit, and QueueTime is the maximum time that each of them waits.
	Queue     int
	QueueTime time.Duration
}

// NewPool returns a pool with all slots free. The gauge measures the slots in use.
func NewPool(size PoolConfig, gauge *telemetry.Gauge) *Pool {
	slots := NewBytes(BytesConfig{Total: int64(size.Slots), Share: size.Share, Queue: size.Queue, QueueTime: size.QueueTime}, gauge)
	slots.full = "This replica has reached its limit of requests of this kind in flight."
	slots.overShare = "You have reached the limit of requests of this kind in flight for one caller."
	return &Pool{slots}
}

// Acquire acquires a slot for a caller. A share of zero means the pool's share.
//
// A caller that has used its share waits until one of its requests releases a slot.
// Waiting slows the caller down, so that a client that immediately repeats rejected
// requests cannot flood the gateway. If the queue is full or the wait takes too long, the
// error is [problem.RateLimited].
//
// If no slot is free, Acquire returns [problem.Overloaded] without waiting,
// because a queue for all callers would delay all of them.
func (p *Pool) Acquire(ctx context.Context, caller string, share float64) (Slot, error) {
	reservation, err := p.slots.Reserve(ctx, caller, share, 1)
	return Slot{reservation}, err
}

// Resume acquires n slots for the next part of a response that has begun, such as a
// stream, and can no longer be rejected. Unlike [Pool.Acquire], it waits until the
// caller is below its limit and the slots are free. If ctx ends first, it returns the
// cause of ctx.
func (p *Pool) Resume(ctx context.Context, caller string, share float64, n int) (Slot, error) {
	reservation := p.slots.Open(caller, share)
	err := reservation.Resume(ctx, int64(n))
	return Slot{reservation}, err
}

// Slot is the right of one request to be in flight. The zero value holds no slot. A
// Slot must not be used concurrently.
type Slot struct{ reservation Reservation }

// Widen replaces the slot with n slots, for a request that turns out to be as much
// work as n others. It waits like [Pool.Acquire]. It holds no slot while it waits:
// otherwise the requests of one caller could wait for each other forever. After an
// error the request has no slot. Widen does nothing for a slot that was released or
// transferred.
func (s *Slot) Widen(ctx context.Context, n int) error {
	if s.reservation.Bytes() == 0 || s.reservation.Bytes() >= int64(n) {
		return nil
	}
	s.reservation.Release()
	return s.reservation.Grow(ctx, int64(n))
}

// Take transfers the slot to the returned value, which the caller must release.
// Afterwards, releasing s does nothing.
func (s *Slot) Take() Slot {
	taken := *s
	*s = Slot{}
	return taken
}

// Release releases the slot. A second call does nothing.
func (s *Slot) Release() { s.reservation.Release() }
