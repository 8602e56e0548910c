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
			if measurement := s.results.Measurement(target, call); measurement != nil {
				rate = min(rate, fraction*report.Median(measurement.PerSecond))
			}
		}
		s.results.Rates[call] = max(1, math.Floor(rate))
	}
}

// pace sends requests at the rate that chooseRates selected for the call, and records their latencies.
func (s *session) pace(ctx context.Context, t *target, call calls.Call) error {
	latencies, err := t.pool.Pace(ctx, t.dialect.Request(call, s.apiKey), s.results.Rates[call], s.PaceWindow)
	if err != nil {
		return err
	}
	measurement := s.results.Measurement(t.name, call)
	measurement.Latencies = append(measurement.Latencies, latencies...)
	return nil
}
