package load

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Pace sends requests at a fixed rate for the given duration and returns the latency of each. If the target is slow,
// the latency includes the time for which a request waits for a free connection. It does not include the delay of a
// timer that expires late, because the target does not cause it.
func (p *Pool) Pace(ctx context.Context, request []byte, perSecond float64, duration time.Duration) ([]time.Duration, error) {
	interval := time.Duration(float64(time.Second) / perSecond)
	count := int64(duration / interval)
	begin := time.Now()
	var next atomic.Int64
	var mu sync.Mutex
	var all []time.Duration
	err := p.forEachConn(func(c *conn) error {
		var own []time.Duration
		for n := next.Add(1) - 1; n < count; n = next.Add(1) - 1 {
			start, err := waitUntilDue(ctx, begin.Add(time.Duration(n)*interval))
			if err != nil {
				return err
			}
			if err := c.doSuccessful(request); err != nil {
				return err
			}
			own = append(own, time.Since(start))
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, own...)
		return nil
	})
	return all, err
}

// waitUntilDue waits until a request is due and returns the start of the latency measurement: the time at which the
// request was due if that has passed, and otherwise the time at which the timer has expired.
func waitUntilDue(ctx context.Context, due time.Time) (start time.Time, err error) {
	wait := time.Until(due)
	if wait <= 0 {
		return due, ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return due, ctx.Err()
	case <-timer.C:
		return time.Now(), nil
	}
}
