package report

import (
	"time"

	"github.com/flowgate/flowgate/bench/calls"
)

// Target is something that is measured.
type Target string

// The targets, in the order of the report.
const (
	Floor         Target = "floor"
	Plain         Target = "plain"
	PlainTemporal Target = "plain, Temporal's JSON"
	Door          Target = "gateway, Temporal's API"
	V1            Target = "gateway, /v1"
)

// Targets are all of them.
func Targets() []Target { return []Target{Floor, Plain, PlainTemporal, Door, V1} }

// Cell is one call at one target. The slices have a number for each round.
type Cell struct {
	// CPU is the processor time of a request.
	CPU []time.Duration
	// PerSecond is how many requests were answered in a second, Mallocs how many allocations each took.
	PerSecond, Mallocs []float64
	// Latencies are those of all requests at a fixed rate.
	Latencies []time.Duration
}

// Results are those of one run.
type Results struct {
	Date    time.Time
	Machine Machine
	// Connections, Rounds and Callers are how it was measured; Rates are the fixed rates, in requests a second.
	Connections, Rounds, Callers int
	Rates                        map[calls.Call]float64
	// Cells lack what a target does not answer.
	Cells map[Target]map[calls.Call]*Cell
	// Waiting is the memory of a waiting caller, in bytes.
	Waiting map[Target]float64
}

// Cell is that of a call at a target; nil when it was not measured.
func (r *Results) Cell(target Target, call calls.Call) *Cell { return r.Cells[target][call] }

// WaitingGoal is the memory that a waiting caller may take, in bytes.
const WaitingGoal = 24 << 10

// Goal is the ratio to the floor that a call at the gateway may have; 0 when there is none.
func Goal(target Target, call calls.Call) float64 {
	// v1Margin is what the client API may take above the other.
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

// Ratio is the processor time of a call as a ratio to the floor's, 0 when there is none: the median of the rounds, each of
// which is compared with the floor in the same round, because they had the same noise.
func (r *Results) Ratio(target Target, call calls.Call) float64 {
	return Median(r.ratios(target, call))
}

// Spread is how far the rounds' ratios of a call lie apart, as a part of their median.
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
