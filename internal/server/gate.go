package server

import (
	"sync"
	"time"
)

// phase is where the gateway is in its life.
type phase uint8

const (
	// serving admits everything.
	serving phase = iota
	// draining reports not ready and still admits, until load balancers have
	// seen it; answers ask their callers to close the connection.
	draining
	// rejecting answers what is new with 503 and waits for what is in flight.
	rejecting
)

// gate counts the requests in flight and turns new ones away at the end.
type gate struct {
	mu       sync.Mutex
	phase    phase
	inFlight int
	idle     chan struct{} // closed when refusing and nothing is in flight
}

func newGate() *gate { return &gate{idle: make(chan struct{})} }

// enter admits a request, which must leave again, or turns it away. closing
// means that its connection should not be used for another one.
func (g *gate) enter() (admitted, closing bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.phase == rejecting {
		return false, true
	}
	g.inFlight++
	return true, g.phase == draining
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inFlight--
	g.signalIdle()
}

// move goes on to a later phase.
func (g *gate) move(to phase) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.phase = max(g.phase, to)
	g.signalIdle()
}

func (g *gate) signalIdle() {
	if g.phase == rejecting && g.inFlight == 0 {
		select {
		case <-g.idle:
		default:
			close(g.idle)
		}
	}
}

// isStopping reports whether the gateway is past serving.
func (g *gate) isStopping() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.phase != serving
}

// await waits until nothing is in flight, and reports false when it takes
// longer than limit.
func (g *gate) await(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-g.idle:
		return true
	case <-timer.C:
		return false
	}
}
