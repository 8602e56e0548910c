package load

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Pool is a set of connections to one target. Each carries one request at a time.
type Pool struct {
	conns []*conn
}

// Open opens the connections.
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

// Close closes the connections.
func (p *Pool) Close() {
	for _, c := range p.conns {
		_ = c.Close()
	}
}

// Do sends one request and returns the response with the body, whatever the status is.
func (p *Pool) Do(request []byte) (Response, error) {
	return p.conns[0].do(request, true)
}

// Saturate sends requests on every connection for the given duration, each as soon as the previous response has
// arrived. It returns the number of responses and the elapsed time. A response that is not a success is an error.
func (p *Pool) Saturate(ctx context.Context, request []byte, duration time.Duration) (requests int, elapsed time.Duration, err error) {
	begin := time.Now()
	var responses atomic.Int64
	err = p.forEachConn(func(c *conn) error {
		for ctx.Err() == nil && time.Since(begin) < duration {
			if err := c.doSuccessful(request); err != nil {
				return err
			}
			responses.Add(1)
		}
		return ctx.Err()
	})
	return int(responses.Load()), time.Since(begin), err
}

// forEachConn calls do with every connection concurrently and returns the first error.
func (p *Pool) forEachConn(do func(*conn) error) error {
	var workers sync.WaitGroup
	errs := make(chan error, len(p.conns))
	for _, c := range p.conns {
		workers.Go(func() {
			if err := do(c); err != nil {
				errs <- err
			}
		})
	}
	workers.Wait()
	close(errs)
	return <-errs
}

// doSuccessful sends a request and returns an error unless the response is a success.
func (c *conn) doSuccessful(request []byte) error {
	response, err := c.do(request, false)
	if err == nil && response.Status >= 300 {
		err = fmt.Errorf("status %d: %.300s", response.Status, response.Body)
	}
	return err
}
