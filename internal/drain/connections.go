package drain

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// Connections is the set of connections that may carry a request that no handler
// has received yet. [http.Server.Shutdown] would drop such a
// request without a response, because it serves only requests that were read before.
type Connections struct {
	mu   sync.Mutex
	busy map[net.Conn]struct{}
	idle chan struct{} // closed when no connection is busy; nil unless Await is running
}

// NewConnections returns an empty set.
func NewConnections() *Connections { return &Connections{busy: map[net.Conn]struct{}{}} }

// Track records the state of a connection. It is for [http.Server.ConnState].
func (c *Connections) Track(conn net.Conn, state http.ConnState) {
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

func (c *Connections) signalIdle() {
	if c.idle != nil && len(c.busy) == 0 {
		close(c.idle)
		c.idle = nil
	}
}

// Await waits until no connection is busy, for at most limit. The limit is necessary
// because a new connection that the client never uses looks like one whose request is
// about to arrive.
func (c *Connections) Await(limit time.Duration) {
	idle := make(chan struct{})
	c.mu.Lock()
	c.idle = idle
	c.signalIdle()
	c.mu.Unlock()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-idle:
	case <-timer.C:
	}
}
