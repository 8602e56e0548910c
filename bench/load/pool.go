package load

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Pool is a number of connections to one target.
type Pool struct {
	conns []*conn
}

// Open makes the connections.
func Open(ctx context.Context, address string, connections int) (*Pool, error) {
	p := &Pool{}
	for range connections {
		c, err := dial(ctx, address, largeBuffer)
		if err != nil {
			p.Close()
			return nil, err
		}
		p.conns = append(p.conns, c)
	}
	return p, nil
}

// Close ends the connections.
func (p *Pool) Close() {
	for _, c := range p.conns {
		_ = c.Close()
	}
}

// Ask makes one request and gives its whole answer, whatever it is.
func (p *Pool) Ask(request []byte) (Answer, error) {
	return p.conns[0].do(request, true)
}

// Saturate has each connection send a request as soon as it has the answer to the last, for as long as is said. It
// returns how many were answered, all of them well, and the time from the first to the last.
func (p *Pool) Saturate(ctx context.Context, request []byte, length time.Duration) (requests int, took time.Duration, err error) {
	begin := time.Now()
	var answered atomic.Int64
	err = p.each(func(c *conn) error {
		for ctx.Err() == nil && time.Since(begin) < length {
			if err := c.well(request); err != nil {
				return err
			}
			answered.Add(1)
		}
		return ctx.Err()
	})
	return int(answered.Load()), time.Since(begin), err
}

// each does something with every connection at once, and returns the first error.
func (p *Pool) each(do func(*conn) error) error {
	var workers sync.WaitGroup
	failures := make(chan error, len(p.conns))
	for _, c := range p.conns {
		workers.Go(func() {
			if err := do(c); err != nil {
				failures <- err
			}
		})
	}
	workers.Wait()
	close(failures)
	return <-failures
}

// well makes a request whose answer must be one of success.
func (c *conn) well(request []byte) error {
	answer, err := c.do(request, false)
	if err == nil && answer.Status >= 300 {
		err = fmt.Errorf("answered %d: %.300s", answer.Status, answer.Body)
	}
	return err
}
