package limit

import (
	"sync"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/telemetry"
)

// Pool bounds the requests of one kind that are in flight. It is safe for
// concurrent use.
type Pool struct {
	size, share int
	gauge       *telemetry.Gauge

	mu       sync.Mutex
	taken    int
	byCaller map[string]int
}

// NewPool makes a pool with size places, of which one caller may hold share.
// The gauge shows how many are taken.
func NewPool(size, share int, gauge *telemetry.Gauge) *Pool {
	return &Pool{size: size, share: share, gauge: gauge, byCaller: map[string]int{}}
}

// Enter takes a place for a caller, at once or not at all: a request that
// waited for one would cost the very memory that the pool is there to bound.
// The errors are [problem.RateLimited] for a caller that holds its share, and
// [problem.Overloaded] when all places are taken.
func (p *Pool) Enter(caller string) (Place, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	held := p.byCaller[caller]
	switch {
	case p.taken >= p.size:
		return Place{}, problem.New(problem.Overloaded, "This replica has as many requests of this kind in flight as it takes.")
	case held >= p.share:
		return Place{}, problem.New(problem.RateLimited, "You have as many requests of this kind in flight as one caller may have.")
	}
	p.byCaller[caller] = held + 1
	p.taken++
	p.gauge.Inc()
	return Place{pool: p, caller: caller}, nil
}

func (p *Pool) leave(caller string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byCaller[caller]--; p.byCaller[caller] == 0 {
		delete(p.byCaller, caller)
	}
	p.taken--
	p.gauge.Dec()
}

// Place is one request's in a [Pool]. The zero value holds none. It is used by
// one goroutine at a time.
type Place struct {
	pool   *Pool
	caller string
}

// Leave gives the place back; the second time it does nothing.
func (p *Place) Leave() {
	if p.pool != nil {
		p.pool.leave(p.caller)
		p.pool = nil
	}
}
