package report

import (
	"time"

	"github.com/flowgate/flowgate/bench/calls"
)

// Target is the name of a measured program. The two HTTP APIs of the gateway are separate targets.
type Target string

// The targets, in the order of the report. Plain and PlainTemporal are a grpc-gateway without additional functions, with
// its default JSON format and with that of Temporal's frontend.
const (
	Floor         Target = "floor"
	Plain         Target = "plain"
	PlainTemporal Target = "plain, Temporal's JSON"
	TemporalAPI   Target = "gateway, Temporal's API"
	V1            Target = "gateway, /v1"
)

// Targets returns all targets in the order of the report.
func Targets() []Target { return []Target{Floor, Plain, PlainTemporal, TemporalAPI, V1} }

// Measurement contains what was measured for one call at one target.
type Measurement struct {
	// CPU contains the CPU time per request in each round.
	CPU []time.Duration
	// PerSecond contains the number of responses per second in each round, Mallocs the number of allocations per request.
	PerSecond, Mallocs []float64
	// Latencies contains the latencies of all requests at the fixed rate, in all rounds.
	Latencies []time.Duration
}

// Results contains the measurements of one run.
type Results struct {
	Date    time.Time
	Machine Machine
	// Connections, Rounds and Callers are the options of the run. Rates are the fixed rates, in requests per second.
	Connections, Rounds, Callers int
	Rates                        map[calls.Call]float64
	// Measurements contains no measurement for a call that a target does not serve.
	Measurements map[Target]map[calls.Call]*Measurement
	// Waiting is the memory per waiting caller, in bytes.
	Waiting map[Target]float64
}

// Measurement returns the measurement of a call at a target, or nil if the call was not measured.
func (r *Results) Measurement(target Target, call calls.Call) *Measurement {
	return r.Measurements[target][call]
}

// WaitingGoal is the goal for the memory per waiting caller, in bytes.
const WaitingGoal = 24 << 10

// Goal returns the project's goal for [Results.Ratio], or 0 if there is none.
func Goal(target Target, call calls.Call) float64 {
	// Calls with a large response may cost less than at the floor, because the gateway does not decode the response to
	// messages. v1Margin is added to the goal for the client API.
	const smallResponse, largeResponse, v1Margin = 1.15, 0.4, 0.15
	goal := smallResponse
	if call == calls.List || call == calls.History {
		goal = largeResponse
	}
	switch target {
	case TemporalAPI:
		return goal
	case V1:
		return goal + v1Margin
	default:
		return 0
	}
}

// Ratio returns the ratio of the CPU time of a call at a target to that at the floor, or 0 if it was not measured. It
// is the median of the ratios of all rounds. A round is compared with the same round of the floor, because other load
// on the machine affected both.
func (r *Results) Ratio(target Target, call calls.Call) float64 {
	return Median(r.ratios(target, call))
}

// Spread returns the difference between the largest and the smallest ratio of all rounds, as a fraction of their
// median.
func (r *Results) Spread(target Target, call calls.Call) float64 {
	ratios := r.ratios(target, call)
	if len(ratios) == 0 {
		return 0
	}
	return (Percentile(ratios, 100) - Percentile(ratios, 0)) / Median(ratios)
}

func (r *Results) ratios(target Target, call calls.Call) []float64 {
	measurement, floor := r.Measurement(target, call), r.Measurement(Floor, call)
	if measurement == nil || floor == nil {
		return nil
	}
	var ratios []float64
	for round := range min(len(measurement.CPU), len(floor.CPU)) {
		ratios = append(ratios, float64(measurement.CPU[round])/float64(floor.CPU[round]))
	}
	return ratios
}
