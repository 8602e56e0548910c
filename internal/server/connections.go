package server

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// connections knows which connections may hold a request that no handler has
// seen yet. http.Server.Shutdown drops such a request without an answer: what
// it reads after Shutdown was called, it does not serve.
type connections struct {
	mu    sync.Mutex
	busy  map[net.Conn]struct{}
	quiet chan struct{} // closed when none is busy; nil while nobody waits
}

func newConnections() *connections { return &connections{busy: map[net.Conn]struct{}{}} }

// track is an http.Server's ConnState.
func (c *connections) track(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew, http.StateActive:
		c.busy[conn] = struct{}{}
	case http.StateIdle, http.StateHijacked, http.StateClosed:
		delete(c.busy, conn)
	}
	c.signalIdle()
}

func (c *connections) signalIdle() {
	if c.quiet != nil && len(c.busy) == 0 {
		close(c.quiet)
		c.quiet = nil
	}
}

// await waits until no connection is busy, at most for limit: one that was
// opened and never used looks the same as one whose request is on its way.
func (c *connections) await(limit time.Duration) {
	quiet := make(chan struct{})
	c.mu.Lock()
	c.quiet = quiet
	c.signalIdle()
	c.mu.Unlock()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-quiet:
	case <-timer.C:
	}
}
