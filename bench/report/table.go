package report

import (
	"fmt"
	"strconv"
	"time"

	"github.com/flowgate/flowgate/bench/calls"
)

// Table is a table of the report. Its cells are formatted text.
type Table struct {
	Title, Note string
	Head        []string
	Rows        [][]string
}

// noValue is the text of a cell without a measurement.
const noValue = "–"

// Tables returns all tables of the report.
func (r *Results) Tables() []Table {
	return []Table{r.ratioTable(), r.cpuTable(), r.throughputTable(), r.allocationTable(), r.latencyTable(), r.waitingTable()}
}

func (r *Results) ratioTable() Table {
	table := Table{
		Title: "CPU time per request, as a ratio to the floor",
		Note:  fmt.Sprintf("Lower is better. Each ratio is the median of %d rounds, which differ by up to %.0f %%.", r.Rounds, 100*r.largestSpread()),
		Head:  []string{"call", "floor"},
	}
	for _, target := range Targets()[1:] { // the first target is the floor
		table.Head = append(table.Head, string(target))
		if Goal(target, calls.Start) > 0 { // a target has a goal for every call or for none
			table.Head = append(table.Head, "goal")
		}
	}
	for _, call := range calls.Measured() {
		row := []string{string(call), "1.00"}
		for _, target := range Targets()[1:] {
			text := noValue
			if ratio := r.Ratio(target, call); ratio > 0 {
				text = fmt.Sprintf("%.2f", ratio)
			}
			row = append(row, text)
			if goal := Goal(target, call); goal > 0 {
				row = append(row, fmt.Sprintf("%.2f", goal))
			}
		}
		table.Rows = append(table.Rows, row)
	}
	return table
}

func (r *Results) largestSpread() float64 {
	var largest float64
	for _, target := range Targets()[1:] {
		for _, call := range calls.Measured() {
			largest = max(largest, r.Spread(target, call))
		}
	}
	return largest
}

func (r *Results) cpuTable() Table {
	return r.perCall("CPU time per request, µs", "User and system time of the target's process.",
		func(measurement *Measurement) string {
			return fmt.Sprintf("%.0f", float64(Median(measurement.CPU))/float64(time.Microsecond))
		})
}

func (r *Results) throughputTable() Table {
	note := fmt.Sprintf("%d connections, each with one request at a time. "+
		"The target shares the machine with the load and with the upstream, so this is less accurate than the CPU time per request.", r.Connections)
	return r.perCall("Requests per second", note, func(measurement *Measurement) string {
		return fmt.Sprintf("%.0f", Median(measurement.PerSecond))
	})
}

func (r *Results) allocationTable() Table {
	return r.perCall("Allocations per request", "Heap objects per request.", func(measurement *Measurement) string {
		return fmt.Sprintf("%.0f", Median(measurement.Mallocs))
	})
}

func (r *Results) latencyTable() Table {
	table := r.perCall("Latency at a fixed rate, p50 / p99 in ms", "All targets run at the same rate, which the slowest of them can sustain.",
		func(measurement *Measurement) string {
			return milliseconds(Percentile(measurement.Latencies, 50)) + " / " + milliseconds(Percentile(measurement.Latencies, 99))
		})
	table.Head = append(table.Head, "requests per second")
	for i, call := range calls.Measured() {
		table.Rows[i] = append(table.Rows[i], fmt.Sprintf("%.0f", r.Rates[call]))
	}
	return table
}

func (r *Results) waitingTable() Table {
	table := Table{
		Title: "Memory per waiting caller, KB",
		Note: fmt.Sprintf("%d callers wait for a workflow to close: at /v1 with ?wait=, elsewhere with a long poll of the history. "+
			"The table shows how much the resident memory of the target grows, divided by the number of callers.", r.Callers),
		Head: []string{"", "goal"},
	}
	row := []string{"KB", strconv.Itoa(WaitingGoal >> 10)}
	for _, target := range Targets() {
		table.Head = append(table.Head, string(target))
		text := noValue
		if bytes, measured := r.Waiting[target]; measured {
			text = fmt.Sprintf("%.1f", bytes/1024)
		}
		row = append(row, text)
	}
	table.Rows = [][]string{row}
	return table
}

// perCall returns a table with a row for each call and a column for each target.
func (r *Results) perCall(title, note string, format func(*Measurement) string) Table {
	table := Table{Title: title, Note: note, Head: []string{"call"}}
	for _, target := range Targets() {
		table.Head = append(table.Head, string(target))
	}
	for _, call := range calls.Measured() {
		row := []string{string(call)}
		for _, target := range Targets() {
			text := noValue
			if measurement := r.Measurement(target, call); measurement != nil {
				text = format(measurement)
			}
			row = append(row, text)
		}
		table.Rows = append(table.Rows, row)
	}
	return table
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.2f", float64(d)/float64(time.Millisecond))
}
