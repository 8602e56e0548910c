package drain

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// Connections is the set of connections that may hold a request that no handler
// has seen yet. [http.Server.Shutdown] drops such a request without a response: it
// does not serve what it reads after Shutdown was called.
type Connections struct {
	mu    sync.Mutex
	busy  map[net.Conn]struct{}
	quiet chan struct{} // closed when no connection is busy; nil while nothing waits
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
	c.signalQuiet()
}

func (c *Connections) signalQuiet() {
	if c.quiet != nil && len(c.busy) == 0 {
		close(c.quiet)
		c.quiet = nil
	}
}

// Await waits until no connection is busy, at most for limit: a connection that
// was opened and never used looks the same as one whose request is on its way.
func (c *Connections) Await(limit time.Duration) {
	quiet := make(chan struct{})
	c.mu.Lock()
	c.quiet = quiet
	c.signalQuiet()
	c.mu.Unlock()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-quiet:
	case <-timer.C:
	}
}
