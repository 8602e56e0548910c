package report

import (
	"time"

	"github.com/flowgate/flowgate/bench/calls"
)

// Target is a measured program.
type Target string

// The targets, in the order of the report.
const (
	Floor         Target = "floor"
	Plain         Target = "plain"
	PlainTemporal Target = "plain, Temporal's JSON"
	Door          Target = "gateway, Temporal's API"
	V1            Target = "gateway, /v1"
)

// Targets returns all targets in the order of the report.
func Targets() []Target { return []Target{Floor, Plain, PlainTemporal, Door, V1} }

// Cell contains the measurements of one call at one target. The slices have one number per round.
type Cell struct {
	// CPU is the CPU time of a request.
	CPU []time.Duration
	// PerSecond is the number of responses per second, Mallocs the number of allocations per request.
	PerSecond, Mallocs []float64
	// Latencies contains the latencies of all requests at the fixed rate.
	Latencies []time.Duration
}

// Results contains the measurements of one run.
type Results struct {
	Date    time.Time
	Machine Machine
	// Connections, Rounds and Callers are the options of the run. Rates are the fixed rates, in requests per second.
	Connections, Rounds, Callers int
	Rates                        map[calls.Call]float64
	// Cells contains no cell for a call that a target does not serve.
	Cells map[Target]map[calls.Call]*Cell
	// Waiting is the memory per waiting caller, in bytes.
	Waiting map[Target]float64
}

// Cell returns the cell of a call at a target, nil if it was not measured.
func (r *Results) Cell(target Target, call calls.Call) *Cell { return r.Cells[target][call] }

// WaitingGoal is the goal for the memory per waiting caller, in bytes.
const WaitingGoal = 24 << 10

// Goal returns the goal for the ratio of a call at the gateway to the floor, 0 if there is none.
func Goal(target Target, call calls.Call) float64 {
	// v1Margin is the factor that the client API may cost more than the Temporal HTTP API.
	const small, large, v1Margin = 1.15, 0.4, 0.15
	goal := small
	if call == calls.List || call == calls.History {
		goal = large
	}
	switch target {
	case Door:
		return goal
	case V1:
		return goal + v1Margin
	default:
		return 0
	}
}

// Ratio returns the ratio of the CPU time of a call to that of the floor, 0 if there is none. It is the median of the
// rounds. Each round is compared with the floor in the same round, because both had the same noise.
func (r *Results) Ratio(target Target, call calls.Call) float64 {
	return Median(r.ratios(target, call))
}

// Spread returns the range of the rounds' ratios as a fraction of their median.
func (r *Results) Spread(target Target, call calls.Call) float64 {
	ratios := r.ratios(target, call)
	if len(ratios) == 0 {
		return 0
	}
	return (Percentile(ratios, 100) - Percentile(ratios, 0)) / Median(ratios)
}

func (r *Results) ratios(target Target, call calls.Call) []float64 {
	cell, floor := r.Cell(target, call), r.Cell(Floor, call)
	if cell == nil || floor == nil {
		return nil
	}
	var ratios []float64
	for round := range min(len(cell.CPU), len(floor.CPU)) {
		ratios = append(ratios, float64(cell.CPU[round])/float64(floor.CPU[round]))
	}
	return ratios
}
