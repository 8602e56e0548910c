package soak

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestUndocumentedServerErrorsAreViolations(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status            int
		contentType, body string
		violations        int
	}{
		"a success":                  {http.StatusOK, "application/json", "{}", 0},
		"a client error":             {http.StatusBadRequest, "text/plain", "", 0},
		"a documented problem":       {http.StatusServiceUnavailable, problemType, `{"code":"overloaded"}`, 0},
		"an unknown transfer coding": {http.StatusNotImplemented, "text/plain", "", 0},
		"a 503 without a document":   {http.StatusServiceUnavailable, "text/plain", "", 1},
		"an internal error":          {http.StatusInternalServerError, problemType, `{"code":"internal"}`, 1},
	} {
		tally := NewTally()
		tally.record("kind", test.status, test.contentType, test.body)
		require.Len(t, tally.Violations, test.violations, name)
	}
}

func TestCheckLatenciesComparesEachOperation(t *testing.T) {
	t.Parallel()
	alone := Latencies{"read": {time.Millisecond}, "write": {10 * time.Millisecond}}
	report := &Report{Alone: alone, Loaded: Latencies{"read": {3 * time.Millisecond}, "write": {30 * time.Millisecond}}}
	require.NoError(t, report.CheckLatencies())
	report.Loaded["read"] = []time.Duration{4 * time.Millisecond}
	require.ErrorContains(t, report.CheckLatencies(), "read")
}

func TestCheckLatenciesAllowsWhatTheControlNeeds(t *testing.T) {
	t.Parallel()
	report := &Report{
		Alone: Latencies{"read": {time.Millisecond}}, Loaded: Latencies{"read": {12 * time.Millisecond}},
		ControlAlone: []time.Duration{time.Millisecond}, ControlLoaded: []time.Duration{4 * time.Millisecond},
	}
	require.NoError(t, report.CheckLatencies())
	report.Loaded["read"] = []time.Duration{13 * time.Millisecond}
	require.ErrorContains(t, report.CheckLatencies(), "read")
}

func TestCheckFindsALeakBelowBursts(t *testing.T) {
	t.Parallel()
	const mebibyte = 1 << 20
	// Every second sample is in a burst of 400 MiB.
	report := func(leak int64) *Report {
		r := &Report{tally: NewTally()}
		for i := range int64(40) {
			memory := 100*mebibyte + i%2*400*mebibyte + i*leak
			r.Samples = append(r.Samples, Sample{Heap: memory, Resident: memory, Goroutines: 100})
		}
		return r
	}
	require.NoError(t, report(0).check())
	require.ErrorContains(t, report(3*mebibyte).check(), "the lowest heap grew")
	require.ErrorContains(t, report(10*mebibyte).check(), "the highest resident memory grew")
}
