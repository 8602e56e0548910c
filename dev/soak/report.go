package soak

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// The limits of the checks.
const (
	// maxSlowdown is the maximum ratio of the regular caller's p99 during the hostile traffic to its p99 without it, or
	// to the p99 of the control at the same time, whichever is larger.
	maxSlowdown = 3
	// maxGrowth is the maximum ratio of a value in the last quarter of the run to that in the second quarter; the first
	// quarter is the warm-up. In addition, the number of goroutines may grow by goroutineSlack, for idle connections,
	// timers and metrics, and memory by memorySlack bytes.
	maxGrowth      = 1.2
	goroutineSlack = 20
	memorySlack    = 16 << 20
	// minSamples is the minimum number of samples for a comparison of quarters.
	minSamples = 12
)

// Latencies contains the latencies of the regular caller's requests by name of the operation.
type Latencies map[string][]time.Duration

// allOperations is the name for the requests of all operations together.
const allOperations = "all"

// add adds the latencies of other.
func (l Latencies) add(other Latencies) {
	for name, latencies := range other {
		l[name] = append(l[name], latencies...)
	}
}

// addTotal adds the latencies of all operations under the name allOperations.
func (l Latencies) addTotal() {
	var all []time.Duration
	for _, latencies := range l {
		all = append(all, latencies...)
	}
	l[allOperations] = all
}

// percentile returns the latency that the given fraction of the requests does not exceed.
func percentile(latencies []time.Duration, fraction float64) time.Duration {
	if len(latencies) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(latencies))
	return sorted[min(int(fraction*float64(len(sorted))), len(sorted)-1)]
}

// Report contains the results of a run.
type Report struct {
	// Alone contains the latencies of the regular caller without the hostile traffic, Loaded those during it.
	Alone, Loaded Latencies
	// ControlAlone and ControlLoaded contain the latencies of [Options.Control] at the same times. The difference between
	// them is what the machine and Temporal add to the latencies of the regular caller.
	ControlAlone, ControlLoaded []time.Duration
	// Before and After are samples before and after the hostile traffic, Samples those during it.
	Before, After Sample
	Samples       []Sample

	tally *Tally
}

// check returns an error for every failed check.
func (r *Report) check() error {
	var failures []error
	for violation, count := range r.tally.Violations {
		failures = append(failures, fmt.Errorf("%d times: %s", count, violation))
	}
	if len(r.Samples) >= minSamples {
		failures = append(failures, r.checkGrowth()...)
	}
	return errors.Join(failures...)
}

// checkGrowth returns an error for every value that grew from the second quarter of the run to the last. Large responses
// to slow readers come in bursts, so memory alternates between a low and a high level, and a median is either of them by
// chance. A leak raises both levels of the heap. Go releases memory to the system slowly, so between bursts the resident
// memory may stay high, and only its highest level is compared.
func (r *Report) checkGrowth() (failures []error) {
	early, late := r.quarter(2), r.quarter(4)
	for _, memory := range []struct {
		name  string
		level func([]int64) int64
		value func(Sample) int64
	}{
		{"lowest heap", slices.Min[[]int64], heap},
		{"highest heap", slices.Max[[]int64], heap},
		{"highest resident memory", slices.Max[[]int64], resident},
	} {
		a, b := memory.level(values(early, memory.value)), memory.level(values(late, memory.value))
		if float64(b) > maxGrowth*float64(a)+memorySlack {
			failures = append(failures, fmt.Errorf("the %s grew from %d to %d bytes", memory.name, a, b))
		}
	}
	if a, b := median(early, goroutines), median(late, goroutines); float64(b) > maxGrowth*float64(a)+goroutineSlack {
		failures = append(failures, fmt.Errorf("the number of goroutines grew from %d to %d", a, b))
	}
	return failures
}

// quarter returns the samples of a quarter of the run, from 1 to 4.
func (r *Report) quarter(i int) []Sample {
	n := len(r.Samples)
	return r.Samples[(i-1)*n/4 : i*n/4]
}

// Slowdown returns the ratio of the p99 of an operation during the hostile traffic to its p99 without it.
func (r *Report) Slowdown(name string) float64 {
	return slowdown(r.Alone[name], r.Loaded[name])
}

func slowdown(alone, loaded []time.Duration) float64 {
	return float64(percentile(loaded, 0.99)) / float64(percentile(alone, 0.99))
}

// CheckLatencies returns an error for every operation of the regular caller, and for all together, that the hostile
// traffic slowed down too much. Temporal shares the machine with the gateway and slows down too, also for callers that
// do not use the gateway. So the p99 of an operation may also reach maxSlowdown times that of the control at the same
// time. [Run] does not check this, because in a short run on a busy machine the latencies depend mostly on other
// processes.
func (r *Report) CheckLatencies() error {
	var failures []error
	direct := percentile(r.ControlLoaded, 0.99)
	for _, name := range slices.Sorted(maps.Keys(r.Alone)) {
		loaded := percentile(r.Loaded[name], 0.99)
		if factor := r.Slowdown(name); factor > maxSlowdown && loaded > maxSlowdown*direct {
			failures = append(failures, fmt.Errorf("the regular caller's p99 grew by a factor of %.1f: %s", factor, name))
		}
	}
	return errors.Join(failures...)
}

func goroutines(s Sample) int64 { return s.Goroutines }

func heap(s Sample) int64 { return s.Heap }

func resident(s Sample) int64 { return s.Resident }

func inFlight(s Sample) int64 { return s.InFlight }

func values(samples []Sample, value func(Sample) int64) []int64 {
	values := make([]int64, len(samples))
	for i, sample := range samples {
		values[i] = value(sample)
	}
	return values
}

func median(samples []Sample, value func(Sample) int64) int64 {
	sorted := slices.Sorted(slices.Values(values(samples, value)))
	return sorted[len(sorted)/2]
}

// Write writes the report as text.
func (r *Report) Write(w io.Writer) {
	printf := func(format string, arguments ...any) { _, _ = fmt.Fprintf(w, format+"\n", arguments...) }
	printf("\n%-24s %10s %10s %10s %10s %8s", "regular caller", "alone p50", "p99", "loaded p50", "p99", "p99 x")
	printLatencies := func(name string, alone, loaded []time.Duration) {
		round := func(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }
		printf("%-24s %10s %10s %10s %10s %8.2f", name, round(percentile(alone, 0.5)), round(percentile(alone, 0.99)),
			round(percentile(loaded, 0.5)), round(percentile(loaded, 0.99)), slowdown(alone, loaded))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Alone)) {
		printLatencies(name, r.Alone[name], r.Loaded[name])
	}
	if len(r.ControlAlone) > 0 {
		printLatencies("(without the gateway)", r.ControlAlone, r.ControlLoaded)
	}
	printf("\n%-24s %s", "responses", "by status")
	for _, kind := range slices.Sorted(maps.Keys(r.tally.Responses)) {
		printf("%-24s %v", kind, r.tally.Responses[kind])
	}
	const mebibyte = 1 << 20
	printf("\n%-24s %16s %16s %16s %16s", "the gateway", "goroutines", "heap MiB", "RSS MiB", "in flight")
	printSamples := func(name string, samples ...Sample) {
		span := func(value func(Sample) int64, unit int64) string {
			all := values(samples, value)
			return fmt.Sprintf("%d to %d", slices.Min(all)/unit, slices.Max(all)/unit)
		}
		printf("%-24s %16s %16s %16s %16s", name, span(goroutines, 1), span(heap, mebibyte), span(resident, mebibyte), span(inFlight, 1))
	}
	printSamples("before", r.Before)
	for i := 1; len(r.Samples) >= minSamples && i <= 4; i++ {
		printSamples(fmt.Sprintf("loaded, quarter %d", i), r.quarter(i)...)
	}
	printSamples("after", r.After)
}
