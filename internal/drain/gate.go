package drain

import (
	"sync"
	"time"
)

// Phase is a phase in the life of a replica.
type Phase uint8

const (
	// Serving admits every request.
	Serving Phase = iota
	// Draining still admits requests, while load balancers learn that the replica
	// is not ready. Responses close their connections.
	Draining
	// Rejecting rejects new requests and waits for those in flight.
	Rejecting
)

// Gate counts the requests in flight, and rejects new ones in the last phase. It
// is safe for concurrent use.
type Gate struct {
	mu       sync.Mutex
	phase    Phase
	inFlight int
	idle     chan struct{} // closed when the phase is Rejecting and no request is in flight
}

// NewGate returns a gate in the phase Serving.
func NewGate() *Gate { return &Gate{idle: make(chan struct{})} }

// Enter reports whether a request is admitted, and whether its response should close
// the connection. The caller must call [Gate.Leave] at the end of an admitted request.
func (g *Gate) Enter() (admitted, closing bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.phase == Rejecting {
		return false, true
	}
	g.inFlight++
	return true, g.phase == Draining
}

// Leave records the end of an admitted request.
func (g *Gate) Leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inFlight--
	g.signalIdle()
}

// InFlight returns the number of requests in flight.
func (g *Gate) InFlight() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.inFlight
}

// Advance moves to a later phase. An earlier phase is ignored.
func (g *Gate) Advance(to Phase) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.phase = max(g.phase, to)
	g.signalIdle()
}

func (g *Gate) signalIdle() {
	if g.phase != Rejecting || g.inFlight > 0 {
		return
	}
	select {
	case <-g.idle:
	default:
		close(g.idle)
	}
}

// IsDraining reports whether the phase is past Serving.
func (g *Gate) IsDraining() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.phase != Serving
}

// Await waits until the phase is Rejecting and no request is in flight. It
// returns false if that takes longer than limit.
func (g *Gate) Await(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-g.idle:
		return true
	case <-timer.C:
		return false
	}
}
