package report_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowgate/flowgate/bench/calls"
	"github.com/flowgate/flowgate/bench/report"
)

// results contains the CPU times of the call start at the floor and at the Temporal HTTP API, in three rounds. Other
// load on the machine slowed down both in the second round.
func results() *report.Results {
	measurement := func(cpu ...time.Duration) map[calls.Call]*report.Measurement {
		return map[calls.Call]*report.Measurement{calls.Start: {CPU: cpu}}
	}
	return &report.Results{Rounds: 3, Measurements: map[report.Target]map[calls.Call]*report.Measurement{
		report.Floor:       measurement(100, 400, 100),
		report.TemporalAPI: measurement(110, 480, 130),
	}}
}

func TestRatioComparesTheSameRound(t *testing.T) {
	t.Parallel()
	r := results()
	if got := r.Ratio(report.TemporalAPI, calls.Start); got != 1.2 {
		t.Errorf("ratio: got %v, want 1.2", got)
	}
	if got := r.Spread(report.TemporalAPI, calls.Start); math.Abs(got-0.2/1.2) > 1e-9 {
		t.Errorf("spread: got %v", got)
	}
	if got := r.Ratio(report.V1, calls.Start); got != 0 {
		t.Errorf("ratio without a measurement: got %v", got)
	}
}

func TestTablesMarkMissingMeasurements(t *testing.T) {
	t.Parallel()
	tables := results().Tables()
	want := []string{"start", "1.00", "–", "–", "1.20", "1.15", "–", "1.30"}
	if got := tables[0].Rows[0]; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, table := range tables {
		for _, row := range table.Rows {
			if len(row) != len(table.Head) {
				t.Errorf("%s: a row has %d cells, the head has %d", table.Title, len(row), len(table.Head))
			}
		}
	}
}

func TestPageAndChartContainRatio(t *testing.T) {
	t.Parallel()
	var page, chart strings.Builder
	if err := results().WriteMarkdown(&page); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(page.String(), "| start | 1.00 | – | – | 1.20 | 1.15 | – | 1.30 |") {
		t.Errorf("no row for start in\n%s", page.String())
	}
	if err := results().WriteSVG(&chart); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(chart.String(), ">1.20</text>") {
		t.Errorf("no bar with the label 1.20 in\n%s", chart.String())
	}
}
