package load

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Pool is a set of connections to one target.
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

// Do sends one request and returns its whole response, regardless of its status.
func (p *Pool) Do(request []byte) (Response, error) {
	return p.conns[0].do(request, true)
}

// Saturate sends requests on every connection, each as soon as the previous response has arrived, for the given length.
// It returns the number of responses and the elapsed time. A response that is not a success is an error.
func (p *Pool) Saturate(ctx context.Context, request []byte, length time.Duration) (requests int, took time.Duration, err error) {
	begin := time.Now()
	var responses atomic.Int64
	err = p.each(func(c *conn) error {
		for ctx.Err() == nil && time.Since(begin) < length {
			if err := c.doSuccessful(request); err != nil {
				return err
			}
			responses.Add(1)
		}
		return ctx.Err()
	})
	return int(responses.Load()), time.Since(begin), err
}

// each calls do with every connection concurrently and returns the first error.
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

// doSuccessful sends a request and returns an error unless the response is a success.
func (c *conn) doSuccessful(request []byte) error {
	response, err := c.do(request, false)
	if err == nil && response.Status >= 300 {
		err = fmt.Errorf("status %d: %.300s", response.Status, response.Body)
	}
	return err
}
