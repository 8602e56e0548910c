package limit

import (
	"cmp"
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
)

// Bytes limits the memory that requests in flight reserve, in bytes, in total and
// for each caller. It is safe for concurrent use.
//
// The limit of a caller depends on the free bytes: with a share s it is s/(1-s)
// times the free bytes. A single caller can reserve s of the total, the next one
// s of the rest, and so on, so that a few callers cannot reserve everything
// (dynamic thresholds, Choudhury and Hahne, IEEE/ACM Transactions on Networking
// 6(2), 1998).
type Bytes struct {
	size  BytesConfig
	gauge *telemetry.Gauge

	full, overShare string // details of the errors Overloaded and RateLimited

	mu      sync.Mutex
	used    int64 // reserved by all callers
	holders map[string]*holder
	waiters list.List // of *waiter, in the order of arrival
	queued  int       // number of waiters in Grow; those in Resume do not count against BytesConfig.Queue
	rounds  uint64    // number of calls of admit
}

// spareDivisor determines the part of the total, one sixteenth, that must
// remain free after a reservation that exceeds the share of its caller.
const spareDivisor = 16

// BytesConfig configures [Bytes].
type BytesConfig struct {
	// Total is the limit for all callers together, in bytes.
	Total int64
	// Small is the size, in bytes, up to which a reservation does not count.
	Small int64
	// Share is the fraction of the total that a caller may hold while no other
	// caller holds any, above 0 and at most 1.
	Share float64
	// Queue is the maximum number of requests that wait because their caller is
	// at its limit, and QueueTime is the maximum time that each of them waits.
	Queue     int
	QueueTime time.Duration
}

// holder is a caller that holds bytes or waits for bytes.
type holder struct {
	share   float64
	bytes   int64  // reserved by all requests of the caller
	waiting int    // number of requests that wait
	round   uint64 // value of rounds in the last call of admit in which a request of the caller did not fit
}

// waiter is a request that waits for bytes.
type waiter struct {
	caller    string
	holder    *holder
	own, more int64         // bytes that the request already holds, and further bytes that it waits for
	ready     chan struct{} // closed when the further bytes are reserved
}

// NewBytes returns a Bytes without reservations. The gauge measures the reserved
// bytes.
func NewBytes(size BytesConfig, gauge *telemetry.Gauge) *Bytes {
	return &Bytes{
		size: size, gauge: gauge, holders: map[string]*holder{},
		full:      "This replica has reached its limit of the total size of requests in flight.",
		overShare: "Your requests in flight have reached the limit of their total size.",
	}
}

// Reserve reserves n bytes for a caller. A share of zero means the default
// share. A caller at its limit waits until enough of its earlier reservations are
// released; the error is [problem.RateLimited] if the queue is full or the wait takes
// too long. A caller without another reservation may exceed its share if enough bytes
// remain free for others, or if no other caller holds any. If fewer than n bytes are
// free in total, Reserve returns [problem.Overloaded] without waiting.
func (b *Bytes) Reserve(ctx context.Context, caller string, share float64, n int64) (Reservation, error) {
	r := b.Open(caller, share)
	err := r.Grow(ctx, n)
	return r, err
}

// Open returns an empty reservation for a caller. The share is as in [Bytes.Reserve].
func (b *Bytes) Open(caller string, share float64) Reservation {
	return Reservation{limit: b, caller: caller, share: cmp.Or(share, b.size.Share), small: b.size.Small}
}

// Reservation holds the bytes of one request. The zero value holds none. It must
// not be used concurrently.
type Reservation struct {
	limit  *Bytes
	caller string
	share  float64
	small  int64
	bytes  int64
}

// Bytes returns the number of reserved bytes.
func (r *Reservation) Bytes() int64 { return r.bytes }

// CountSmall makes the reservation count even if it is not larger than
// [BytesConfig.Small].
func (r *Reservation) CountSmall() { r.small = 0 }

// Resume is like [Reservation.Grow], for the next part of a response that has
// begun and can no longer be rejected. It waits until the caller is below its
// limit and enough bytes are free. If ctx ends first, it returns the cause of ctx.
func (r *Reservation) Resume(ctx context.Context, n int64) error {
	b := r.limit
	if r.bytes+n <= r.small {
		return nil
	}
	b.mu.Lock()
	w := b.reserve(r, n)
	b.mu.Unlock()
	if w == nil {
		return nil
	}
	select {
	case <-w.ready:
	case <-ctx.Done():
		if !b.cancel(w) {
			return context.Cause(ctx)
		}
	}
	r.bytes += w.more
	return nil
}

// Grow reserves n more bytes. Its errors are those of [Bytes.Reserve]. After an
// error, the bytes that were reserved before remain reserved.
func (r *Reservation) Grow(ctx context.Context, n int64) error {
	b := r.limit
	if r.bytes+n <= r.small {
		return nil
	}
	b.mu.Lock()
	if b.used+b.capped(r, n) > b.size.Total {
		b.mu.Unlock()
		return problem.New(problem.Overloaded, b.full)
	}
	w := b.reserve(r, n)
	full := w != nil && b.queued >= b.size.Queue
	if w != nil {
		b.queued++
	}
	b.mu.Unlock()
	if w == nil {
		return nil
	}
	defer b.leaveQueue()
	rejection := problem.New(problem.RateLimited, b.overShare)
	if !full {
		timer := time.NewTimer(b.size.QueueTime)
		defer timer.Stop()
		select {
		case <-w.ready:
			r.bytes += w.more
			return nil
		case <-timer.C:
		case <-ctx.Done():
			rejection = rejection.WithCause(ctx.Err())
		}
	}
	if b.cancel(w) {
		r.bytes += w.more
		return nil
	}
	return rejection
}

// Fit changes the size of the reservation to n bytes, and returns true, if that is
// possible without waiting. Otherwise it returns false.
func (r *Reservation) Fit(n int64) bool {
	b := r.limit
	if n <= r.small {
		r.Release()
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.register(r)
	more := b.capped(r, n-r.bytes)
	if !b.fits(h, r.bytes, more) {
		b.unregister(r.caller, h)
		return false
	}
	b.add(h, more)
	r.bytes += more
	if more < 0 {
		b.admit()
	}
	return true
}

// Release releases the bytes. A second call does nothing.
func (r *Reservation) Release() {
	if r.bytes == 0 {
		return
	}
	b := r.limit
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.holders[r.caller]
	b.add(h, -r.bytes)
	r.bytes = 0
	b.unregister(r.caller, h)
	b.admit()
}

// capped returns more, reduced so that the reservation does not exceed the total. So a
// request larger than the total can be admitted when nothing else is in flight.
func (b *Bytes) capped(r *Reservation, more int64) int64 {
	return min(more, b.size.Total-r.bytes)
}

// reserve reserves bytes, or appends a waiter to the queue and returns it. The
// caller must hold b.mu.
func (b *Bytes) reserve(r *Reservation, more int64) *waiter {
	h := b.register(r)
	more = b.capped(r, more)
	if h.waiting == 0 && b.fits(h, r.bytes, more) {
		b.add(h, more)
		r.bytes += more
		return nil
	}
	h.waiting++
	w := &waiter{caller: r.caller, holder: h, own: r.bytes, more: more, ready: make(chan struct{})}
	b.waiters.PushBack(w)
	return w
}

// fits reports whether a request that holds own bytes may reserve more. The
// caller must hold b.mu.
func (b *Bytes) fits(h *holder, own, more int64) bool {
	free := b.size.Total - b.used - more
	switch {
	case more <= 0:
		return true
	case free < 0:
		return false
	case float64(h.bytes+more)*(1-h.share) <= h.share*float64(free):
		return true
	default: // a single request may exceed the share, see [Bytes.Reserve]
		return h.bytes == own && (b.used == own || free >= b.size.Total/spareDivisor)
	}
}

// add adds bytes, which may be negative, to a holder and to the total. The caller must hold b.mu.
func (b *Bytes) add(h *holder, more int64) {
	h.bytes += more
	b.used += more
	b.gauge.Add(more)
}

// admit reserves the bytes of all waiters that fit now. It serves the waiters of each
// caller in the order of arrival. The caller must hold b.mu.
func (b *Bytes) admit() {
	b.rounds++
	for e := b.waiters.Front(); e != nil; {
		w, _ := e.Value.(*waiter)
		next := e.Next()
		switch {
		case w.holder.round == b.rounds: // an earlier request of the caller did not fit
		case b.fits(w.holder, w.own, w.more):
			b.waiters.Remove(e)
			w.holder.waiting--
			b.add(w.holder, w.more)
			close(w.ready)
		default:
			w.holder.round = b.rounds
		}
		e = next
	}
}

// cancel removes a waiter from the queue. If the waiter's bytes have already been
// reserved, it returns true and changes nothing.
func (b *Bytes) cancel(w *waiter) (reserved bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for e := b.waiters.Front(); e != nil; e = e.Next() {
		if e.Value == w {
			b.waiters.Remove(e)
			w.holder.waiting--
			b.unregister(w.caller, w.holder)
			b.admit() // the next waiter of this caller may need less
			return false
		}
	}
	return true
}

func (b *Bytes) leaveQueue() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queued--
}

// register returns the holder of a reservation. A changed share takes effect
// once the caller holds nothing. The caller must hold b.mu.
func (b *Bytes) register(r *Reservation) *holder {
	h := b.holders[r.caller]
	if h == nil {
		h = &holder{share: r.share}
		b.holders[r.caller] = h
	}
	return h
}

// unregister removes a caller that holds nothing and waits for nothing. The
// caller must hold b.mu.
func (b *Bytes) unregister(caller string, h *holder) {
	if h.bytes == 0 && h.waiting == 0 {
		delete(b.holders, caller)
	}
}
