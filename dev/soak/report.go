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
	// maxSlowdown is the maximum ratio of the regular caller's p99 under load to its p99 alone.
	maxSlowdown = 3
	// goroutineSlack is the tolerated number of additional goroutines, for idle connections, timers and metrics.
	goroutineSlack = 20
	// memoryGrowth is the maximum growth of memory from the first third of the run to the last, beyond memorySlack.
	memoryGrowth = 1.2
	memorySlack  = 16 << 20
	// enough is the minimum number of samples for a comparison of thirds.
	enough = 9
)

// Latencies contains the latencies by kind of request.
type Latencies map[string][]time.Duration

// everything is the kind for all requests together.
const everything = "all"

// add adds the latencies of others.
func (l Latencies) add(others Latencies) {
	for kind, latencies := range others {
		l[kind] = append(l[kind], latencies...)
	}
}

// addTotal adds the latencies of all kinds as the kind everything.
func (l Latencies) addTotal() {
	var all []time.Duration
	for _, latencies := range l {
		all = append(all, latencies...)
	}
	l[everything] = all
}

// percentile returns the latency that the given fraction of the requests does not exceed.
func percentile(latencies []time.Duration, part float64) time.Duration {
	if len(latencies) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(latencies))
	return sorted[min(int(part*float64(len(sorted))), len(sorted)-1)]
}

// Report contains the results of a run.
type Report struct {
	Alone, Loaded Latencies
	Before, After Sample
	Samples       []Sample

	tally *Tally
}

// check returns an error for every failed check.
func (r *Report) check() error {
	var broken []error
	for what, times := range r.tally.Violations {
		broken = append(broken, fmt.Errorf("%d times %s", times, what))
	}
	if len(r.Samples) >= enough {
		third := len(r.Samples) / 3
		first, last := r.Samples[:third], r.Samples[len(r.Samples)-third:]
		for name, of := range measures() {
			if a, b := median(first, of), median(last, of); float64(b) > memoryGrowth*float64(a)+memorySlack {
				broken = append(broken, fmt.Errorf("%s grew from %d to %d", name, a, b))
			}
		}
		if a, b := median(first, goroutines), median(last, goroutines); float64(b) > memoryGrowth*float64(a)+goroutineSlack {
			broken = append(broken, fmt.Errorf("goroutines grew from %d to %d", a, b))
		}
	}
	return errors.Join(broken...)
}

// Slowdown returns the ratio of the regular caller's p99 under load to its p99 alone, for a kind of request.
func (r *Report) Slowdown(kind string) float64 {
	return float64(percentile(r.Loaded[kind], 0.99)) / float64(percentile(r.Alone[kind], 0.99))
}

// CheckLatencies returns an error if the regular caller's latencies grew too much, for each kind of request and for all
// together. [Run] does not check this, because short runs on a busy machine mostly measure the other load.
func (r *Report) CheckLatencies() error {
	var broken []error
	for _, kind := range slices.Sorted(maps.Keys(r.Alone)) {
		if slowed := r.Slowdown(kind); slowed > maxSlowdown {
			broken = append(broken, fmt.Errorf("the regular caller's p99 grew %.1f times: %s", slowed, kind))
		}
	}
	return errors.Join(broken...)
}

func goroutines(s Sample) int64 { return s.Goroutines }

func measures() map[string]func(Sample) int64 {
	return map[string]func(Sample) int64{
		"the heap":        func(s Sample) int64 { return s.Heap },
		"resident memory": func(s Sample) int64 { return s.Resident },
	}
}

func median(samples []Sample, of func(Sample) int64) int64 {
	values := make([]int64, len(samples))
	for i, sample := range samples {
		values[i] = of(sample)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// Write writes the report as text.
func (r *Report) Write(w io.Writer) {
	say := func(format string, arguments ...any) { _, _ = fmt.Fprintf(w, format+"\n", arguments...) }
	say("\n%-24s %10s %10s %10s %10s %8s", "regular caller", "alone p50", "p99", "loaded p50", "p99", "p99 x")
	for _, kind := range slices.Sorted(maps.Keys(r.Alone)) {
		alone, loaded := r.Alone[kind], r.Loaded[kind]
		round := func(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }
		say("%-24s %10s %10s %10s %10s %8.2f", kind, round(percentile(alone, 0.5)), round(percentile(alone, 0.99)),
			round(percentile(loaded, 0.5)), round(percentile(loaded, 0.99)), r.Slowdown(kind))
	}
	say("\n%-24s %s", "responses", "by status")
	for _, kind := range slices.Sorted(maps.Keys(r.tally.Responses)) {
		say("%-24s %v", kind, r.tally.Responses[kind])
	}
	const mebibyte = 1 << 20
	say("\n%-24s %10s %10s %10s %10s", "the gateway", "goroutines", "heap MiB", "RSS MiB", "in flight")
	line := func(name string, s Sample) {
		say("%-24s %10d %10d %10d %10d", name, s.Goroutines, s.Heap/mebibyte, s.Resident/mebibyte, s.InFlight)
	}
	line("before", r.Before)
	for i := range 4 {
		if n := len(r.Samples); n > i {
			line(fmt.Sprintf("loaded, quarter %d", i+1), r.Samples[(i+1)*n/4-min(1, (i+1)*n/4)])
		}
	}
	line("after", r.After)
}
