package soak

import (
	"context"
	"time"
)

// controlInterval is the time between two calls of the control.
const controlInterval = 50 * time.Millisecond

// controlCalls measures Options.Control until ctx is done. These calls reach Temporal without the gateway, so their
// latencies are those that the machine and Temporal cause. A failed call is a violation.
func (r *run) controlCalls(ctx context.Context) (latencies []time.Duration) {
	if r.Control == nil {
		return nil
	}
	ticker := time.NewTicker(controlInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return latencies
		case <-ticker.C:
		}
		begin := time.Now()
		err := r.Control(ctx, steadyWorkflow)
		if ctx.Err() != nil {
			return latencies
		}
		if err != nil {
			r.addViolationf("the control: %v", err)
			continue
		}
		latencies = append(latencies, time.Since(begin))
	}
}

// measure sends the regular caller's requests and, at the same time, the calls of the control.
func (r *run) measure(ctx context.Context, duration time.Duration) (latencies Latencies, control []time.Duration) {
	ctx, end := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		control = r.controlCalls(ctx)
	}()
	latencies = r.regularTraffic(ctx, duration)
	end()
	<-done
	return latencies, control
}
