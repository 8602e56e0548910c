package report

import (
	"fmt"
	"strconv"
	"time"

	"github.com/flowgate/flowgate/bench/calls"
)

// Table is a table of the report. The cells are formatted.
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
	for _, target := range Targets()[1:] {
		table.Head = append(table.Head, string(target))
		if Goal(target, calls.Start) > 0 {
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
		func(_ calls.Call, cell *Cell) string {
			return fmt.Sprintf("%.0f", float64(Median(cell.CPU))/float64(time.Microsecond))
		})
}

func (r *Results) throughputTable() Table {
	note := fmt.Sprintf("%d connections, each with one request at a time. "+
		"The target shares the machine with the load and with the upstream, so this is less accurate than the CPU time per request.", r.Connections)
	return r.perCall("Requests per second", note, func(_ calls.Call, cell *Cell) string {
		return fmt.Sprintf("%.0f", Median(cell.PerSecond))
	})
}

func (r *Results) allocationTable() Table {
	return r.perCall("Allocations per request", "Heap objects per request.", func(_ calls.Call, cell *Cell) string {
		return fmt.Sprintf("%.0f", Median(cell.Mallocs))
	})
}

func (r *Results) latencyTable() Table {
	table := r.perCall("Latency at a fixed rate, p50 / p99 in ms", "All targets run at the same rate, which the slowest of them can sustain.",
		func(_ calls.Call, cell *Cell) string {
			return milliseconds(Percentile(cell.Latencies, 50)) + " / " + milliseconds(Percentile(cell.Latencies, 99))
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
		Note: fmt.Sprintf("%d callers wait for the end of a workflow: growth of the process (RSS) per caller. "+
			"At /v1 they use ?wait=, elsewhere a long poll of the history.", r.Callers),
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
func (r *Results) perCall(title, note string, format func(calls.Call, *Cell) string) Table {
	table := Table{Title: title, Note: note, Head: []string{"call"}}
	for _, target := range Targets() {
		table.Head = append(table.Head, string(target))
	}
	for _, call := range calls.Measured() {
		row := []string{string(call)}
		for _, target := range Targets() {
			text := noValue
			if cell := r.Cell(target, call); cell != nil {
				text = format(call, cell)
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
