package measure

import (
	"context"
	"math"

	"github.com/flowgate/flowgate/bench/calls"
	"github.com/flowgate/flowgate/bench/report"
)

// chooseRates selects a rate for each call that all targets can sustain: less than half of the throughput of the
// slowest target.
func (s *session) chooseRates() {
	const fraction, maximum = 0.4, 2000
	for _, call := range calls.Measured() {
		rate := float64(maximum)
		for _, target := range report.Targets() {
			if cell := s.results.Cell(target, call); cell != nil {
				rate = min(rate, fraction*report.Median(cell.PerSecond))
			}
		}
		s.results.Rates[call] = max(1, math.Floor(rate))
	}
}

// pace sends requests at the rate that chooseRates selected for the call, and records their latencies.
func (s *session) pace(ctx context.Context, t *target, call calls.Call) error {
	latencies, err := t.pool.Pace(ctx, t.dialect.Request(call, s.key), s.results.Rates[call], s.PaceWindow)
	if err != nil {
		return err
	}
	cell := s.results.Cell(t.name, call)
	cell.Latencies = append(cell.Latencies, latencies...)
	return nil
}
