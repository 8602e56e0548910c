package load

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// Waiters are callers that have sent a request and wait for the response.
type Waiters struct {
	pool Pool
}

// dialers is the number of goroutines that open connections. It is low, because the target's accept queue is short.
const dialers = 64

// StartWaiters opens a connection for each caller and sends a request on it.
func StartWaiters(ctx context.Context, address string, request []byte, callers int) (*Waiters, error) {
	w := &Waiters{}
	var mu sync.Mutex
	var workers sync.WaitGroup
	errs := make(chan error, dialers)
	for n := range dialers {
		workers.Go(func() {
			for i := n; i < callers; i += dialers {
				c, err := dial(ctx, address, smallBuffer)
				if err != nil {
					errs <- err
					return
				}
				mu.Lock()
				w.pool.conns = append(w.pool.conns, c)
				mu.Unlock()
				if _, err := c.Write(request); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	workers.Wait()
	close(errs)
	if err := <-errs; err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

// CheckWaiting returns an error if any caller has received a response or receives one within a short time.
func (w *Waiters) CheckWaiting() error {
	const readTimeout = 200 * time.Millisecond
	deadline := time.Now().Add(readTimeout)
	return w.pool.forEachConn(func(c *conn) error {
		if err := c.SetReadDeadline(deadline); err != nil {
			return err
		}
		_, err := c.reader.Peek(1)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case err != nil:
			return err
		default:
			data, _ := c.reader.Peek(c.reader.Buffered())
			return fmt.Errorf("a waiting caller received a response: %.300s", data)
		}
	})
}

// Close closes the connections of the callers.
func (w *Waiters) Close() { w.pool.Close() }
