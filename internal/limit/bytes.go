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

// Bytes bounds the memory that requests in flight hold, in bytes, in all and for
// each caller. It is safe for concurrent use.
//
// What a caller may hold follows what is free: with a share s, at most s/(1-s)
// times the free bytes. Alone it gets s of the total, the next one s of what the
// first has left, and so on: no few callers take all, however much they ask for
// (dynamic thresholds, Choudhury and Hahne, IEEE/ACM Transactions on Networking
// 6(2), 1998).
type Bytes struct {
	size  BytesSize
	gauge *telemetry.Gauge

	mu      sync.Mutex
	used    int64
	holders map[string]*holder
	waiters list.List // of *waiter, in the order of their arrival
	queued  int       // waiters that count against the queue
	rounds  uint64    // of admit
}

// spare is the part of the total, one in so many, that a reservation above its
// caller's share leaves free.
const spare = 16

// BytesSize says how much [Bytes] takes.
type BytesSize struct {
	// Total is for all callers together, in bytes.
	Total int64
	// Small is the largest reservation that is not counted, in bytes.
	Small int64
	// Share is the part of the total that one caller alone may hold, above 0 and
	// at most 1.
	Share float64
	// Queue is how many requests may wait until their caller holds less, and
	// QueueTime how long.
	Queue     int
	QueueTime time.Duration
}

// holder is a caller that holds bytes or waits for some.
type holder struct {
	share   float64
	bytes   int64
	waiting int    // requests
	round   uint64 // of admit, in which one of its requests did not fit
}

// waiter is a request that waits for more bytes than its own.
type waiter struct {
	caller    string
	holder    *holder
	own, more int64
	ready     chan struct{} // closed when they are reserved
}

// NewBytes makes a bound. The gauge shows how many bytes are held.
func NewBytes(size BytesSize, gauge *telemetry.Gauge) *Bytes {
	return &Bytes{size: size, gauge: gauge, holders: map[string]*holder{}}
}

// Reserve counts n bytes for a caller, whose share may be another than the
// bound's; zero means the bound's. A caller that holds its share waits until it
// holds less; one that holds nothing else gets more than its share, as long as
// others have room or nobody else holds anything. Nobody waits when there are not n bytes left in all. The errors are
// [problem.RateLimited] for the one, [problem.Overloaded] for the other.
func (b *Bytes) Reserve(ctx context.Context, caller string, share float64, n int64) (Reservation, error) {
	r := b.Open(caller, share)
	err := r.Grow(ctx, n)
	return r, err
}

// Open returns a reservation of no bytes for a caller, with the share of
// [Bytes.Reserve].
func (b *Bytes) Open(caller string, share float64) Reservation {
	return Reservation{of: b, caller: caller, share: cmp.Or(share, b.size.Share), small: b.size.Small}
}

// Reservation are the bytes of one request. The zero value holds none. It is
// used by one goroutine at a time.
type Reservation struct {
	of     *Bytes
	caller string
	share  float64
	small  int64
	bytes  int64
}

// Bytes returns how many bytes are reserved.
func (r *Reservation) Bytes() int64 { return r.bytes }

// CountSmall makes the reservation count from the first byte on, whatever
// [BytesSize.Small] says.
func (r *Reservation) CountSmall() { r.small = 0 }

// Resume is [Reservation.Grow] for the next part of a response that has begun
// and can no longer be refused: it waits for its caller's share and for bytes in
// all until ctx ends. The error is then the cause of ctx.
func (r *Reservation) Resume(ctx context.Context, n int64) error {
	b := r.of
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
		if !b.leave(w) {
			return context.Cause(ctx)
		}
	}
	r.bytes += w.more
	return nil
}

// Grow reserves n more bytes. Its errors are those of [Bytes.Reserve]; the bytes
// that were reserved before stay so.
func (r *Reservation) Grow(ctx context.Context, n int64) error {
	b := r.of
	if r.bytes+n <= r.small {
		return nil
	}
	b.mu.Lock()
	if b.used+b.capped(r, n) > b.size.Total {
		b.mu.Unlock()
		return problem.New(problem.Overloaded, "This replica holds as many bytes of requests in flight as it takes.")
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
	defer b.dequeued()
	refused := problem.New(problem.RateLimited, "Your requests in flight hold as many bytes as those of one caller may.")
	if !full {
		timer := time.NewTimer(b.size.QueueTime)
		defer timer.Stop()
		select {
		case <-w.ready:
			r.bytes += w.more
			return nil
		case <-timer.C:
		case <-ctx.Done():
			refused = refused.WithCause(ctx.Err())
		}
	}
	if b.leave(w) {
		r.bytes += w.more
		return nil
	}
	return refused
}

// Fit makes the reservation one of n bytes, if that takes no waiting, and
// reports whether it does.
func (r *Reservation) Fit(n int64) bool {
	b := r.of
	if n <= r.small {
		r.Release()
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.visit(r)
	more := b.capped(r, n-r.bytes)
	if !b.fits(h, r.bytes, more) {
		b.part(r.caller, h)
		return false
	}
	b.take(h, more)
	r.bytes += more
	if more < 0 {
		b.admit()
	}
	return true
}

// Release gives the bytes back; the second time it does nothing.
func (r *Reservation) Release() {
	if r.bytes == 0 {
		return
	}
	b := r.of
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.holders[r.caller]
	b.take(h, -r.bytes)
	r.bytes = 0
	b.part(r.caller, h)
	b.admit()
}

// capped keeps a reservation within the total: one that is larger than all there
// is passes when nothing else is in flight.
func (b *Bytes) capped(r *Reservation, more int64) int64 {
	return min(more, b.size.Total-r.bytes)
}

// reserve takes bytes, or gets in line for them. It needs b.mu.
func (b *Bytes) reserve(r *Reservation, more int64) *waiter {
	h := b.visit(r)
	more = b.capped(r, more)
	if h.waiting == 0 && b.fits(h, r.bytes, more) {
		b.take(h, more)
		r.bytes += more
		return nil
	}
	h.waiting++
	w := &waiter{caller: r.caller, holder: h, own: r.bytes, more: more, ready: make(chan struct{})}
	b.waiters.PushBack(w)
	return w
}

// fits reports whether a request that holds own bytes may have more. It needs
// b.mu.
func (b *Bytes) fits(h *holder, own, more int64) bool {
	free := b.size.Total - b.used - more
	switch {
	case more <= 0:
		return true
	case free < 0:
		return false
	case float64(h.bytes+more)*(1-h.share) <= h.share*float64(free):
		return true
	default: // its caller has nothing else in flight, and the others have room yet
		return h.bytes == own && (b.used == own || free >= b.size.Total/spare)
	}
}

// take counts bytes. It needs b.mu.
func (b *Bytes) take(h *holder, more int64) {
	h.bytes += more
	b.used += more
	b.gauge.Add(more)
}

// admit serves those who wait and fit now, of each caller in turn. It needs b.mu.
func (b *Bytes) admit() {
	b.rounds++
	for e := b.waiters.Front(); e != nil; {
		w, _ := e.Value.(*waiter)
		next := e.Next()
		switch {
		case w.holder.round == b.rounds:
		case b.fits(w.holder, w.own, w.more):
			b.waiters.Remove(e)
			w.holder.waiting--
			b.take(w.holder, w.more)
			close(w.ready)
		default:
			w.holder.round = b.rounds
		}
		e = next
	}
}

// release gets out of the line, and reports whether the bytes were reserved before
// that.
func (b *Bytes) leave(w *waiter) (reserved bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for e := b.waiters.Front(); e != nil; e = e.Next() {
		if e.Value == w {
			b.waiters.Remove(e)
			w.holder.waiting--
			b.part(w.caller, w.holder)
			b.admit() // the next one of this caller may need less
			return false
		}
	}
	return true
}

func (b *Bytes) dequeued() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queued--
}

// register gives the holder of a reservation. A share that has changed counts from
// when the caller holds nothing. It needs b.mu.
func (b *Bytes) visit(r *Reservation) *holder {
	h := b.holders[r.caller]
	if h == nil {
		h = &holder{share: r.share}
		b.holders[r.caller] = h
	}
	return h
}

// unregister forgets a caller that holds nothing and waits for nothing. It needs b.mu.
func (b *Bytes) part(caller string, h *holder) {
	if h.bytes == 0 && h.waiting == 0 {
		delete(b.holders, caller)
	}
}
