package measure

import (
	"context"
	"time"

	"github.com/flowgate/flowgate/bench/calls"
)

// saturate sends requests to a target as fast as it responds, and records the cost of a request.
func (s *session) saturate(ctx context.Context, t *target, call calls.Call) error {
	const warmUpDivisor = 8 // the warm-up takes an eighth of the window
	request := t.dialect.Request(call, s.apiKey)
	if _, _, err := t.pool.Saturate(ctx, request, s.Window/warmUpDivisor); err != nil {
		return err
	}
	mallocsSince, err := t.countMallocs(ctx)
	if err != nil {
		return err
	}
	before, err := t.CPU()
	if err != nil {
		return err
	}
	requests, elapsed, err := t.pool.Saturate(ctx, request, s.Window)
	if err != nil {
		return err
	}
	after, err := t.CPU()
	if err != nil {
		return err
	}
	mallocs, err := mallocsSince()
	if err != nil {
		return err
	}
	measurement := s.results.Measurement(t.name, call)
	measurement.CPU = append(measurement.CPU, (after-before)/time.Duration(requests))
	measurement.PerSecond = append(measurement.PerSecond, float64(requests)/elapsed.Seconds())
	measurement.Mallocs = append(measurement.Mallocs, max(mallocs/float64(requests), 0))
	return nil
}

// countMallocs returns a function that returns the number of allocations since the call of countMallocs. Reading the
// number allocates too. Therefore countMallocs reads it twice, and the function subtracts the difference.
func (t *target) countMallocs(ctx context.Context) (func() (float64, error), error) {
	first, err := t.Mallocs(ctx)
	if err != nil {
		return nil, err
	}
	second, err := t.Mallocs(ctx)
	if err != nil {
		return nil, err
	}
	return func() (float64, error) {
		third, err := t.Mallocs(ctx)
		return third - second - (second - first), err
	}, nil
}
