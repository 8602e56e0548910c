package measure

import (
	"context"
	"time"

	"github.com/flowgate/flowgate/bench/calls"
)

// saturate applies the maximum load to a target and records the cost of a request.
func (l *lab) saturate(ctx context.Context, t *target, call calls.Call) error {
	const warmUp = 8 // fraction of the window
	request := t.dialect.Request(call, l.key)
	if _, _, err := t.pool.Saturate(ctx, request, l.Window/warmUp); err != nil {
		return err
	}
	mallocs, err := t.countMallocs(ctx)
	if err != nil {
		return err
	}
	before, err := t.CPU()
	if err != nil {
		return err
	}
	requests, took, err := t.pool.Saturate(ctx, request, l.Window)
	if err != nil {
		return err
	}
	after, err := t.CPU()
	if err != nil {
		return err
	}
	allocations, err := mallocs()
	if err != nil {
		return err
	}
	cell := l.results.Cell(t.name, call)
	cell.CPU = append(cell.CPU, (after-before)/time.Duration(requests))
	cell.PerSecond = append(cell.PerSecond, float64(requests)/took.Seconds())
	cell.Mallocs = append(cell.Mallocs, max(allocations/float64(requests), 0))
	return nil
}

// countMallocs starts counting allocations. The request for the count allocates too, so countMallocs sends it twice and
// subtracts the difference.
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
