package load

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Pace sends requests at a fixed rate, regardless of the latency of responses, and returns the latency of each. The
// time that a request waits for a free connection counts. The delay of a late timer does not, because the target did
// not cause it.
func (p *Pool) Pace(ctx context.Context, request []byte, perSecond float64, length time.Duration) ([]time.Duration, error) {
	interval := time.Duration(float64(time.Second) / perSecond)
	number := int64(length / interval)
	begin := time.Now()
	var next atomic.Int64
	var mu sync.Mutex
	var all []time.Duration
	err := p.each(func(c *conn) error {
		var own []time.Duration
		for n := next.Add(1) - 1; n < number; n = next.Add(1) - 1 {
			sent, err := waitUntilDue(ctx, begin.Add(time.Duration(n)*interval))
			if err != nil {
				return err
			}
			if err := c.doSuccessful(request); err != nil {
				return err
			}
			own = append(own, time.Since(sent))
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, own...)
		return nil
	})
	return all, err
}

// waitUntilDue waits until a request is due and returns the time from which its latency counts.
func waitUntilDue(ctx context.Context, when time.Time) (time.Time, error) {
	wait := time.Until(when)
	if wait <= 0 {
		return when, ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return when, ctx.Err()
	case <-timer.C:
		return time.Now(), nil
	}
}
