package measure

import (
	"context"
	"math"

	"github.com/flowgate/flowgate/bench/calls"
	"github.com/flowgate/flowgate/bench/report"
)

// chooseRates selects a rate for each call that all targets sustain easily: less than half of the throughput of the
// slowest.
func (l *lab) chooseRates() {
	const fraction, maximum = 0.4, 2000
	for _, call := range calls.Measured() {
		rate := float64(maximum)
		for _, target := range report.Targets() {
			if cell := l.results.Cell(target, call); cell != nil {
				rate = min(rate, fraction*report.Median(cell.PerSecond))
			}
		}
		l.results.Rates[call] = max(1, math.Floor(rate))
	}
}

// pace sends requests at the call's rate and records their latencies.
func (l *lab) pace(ctx context.Context, t *target, call calls.Call) error {
	latencies, err := t.pool.Pace(ctx, t.dialect.Request(call, l.key), l.results.Rates[call], l.PaceWindow)
	if err != nil {
		return err
	}
	cell := l.results.Cell(t.name, call)
	cell.Latencies = append(cell.Latencies, latencies...)
	return nil
}
