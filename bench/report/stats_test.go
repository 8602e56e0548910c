package report_test

import (
	"testing"
	"time"

	"github.com/flowgate/flowgate/bench/report"
)

func TestPercentile(t *testing.T) {
	t.Parallel()
	var hundred []time.Duration
	for n := 100; n > 0; n-- {
		hundred = append(hundred, time.Duration(n))
	}
	for percent, want := range map[float64]time.Duration{0: 1, 50: 50, 99: 99, 99.5: 100, 100: 100} {
		if got := report.Percentile(hundred, percent); got != want {
			t.Errorf("p%v of 1 to 100: got %d, want %d", percent, got, want)
		}
	}
	if got := report.Percentile([]float64{}, 50); got != 0 {
		t.Errorf("p50 of nothing: got %v", got)
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	for want, numbers := range map[float64][]float64{0: nil, 3: {9, 1, 3}, 2.5: {4, 1, 2, 3}} {
		if got := report.Median(numbers); got != want {
			t.Errorf("median of %v: got %v, want %v", numbers, got, want)
		}
	}
}
