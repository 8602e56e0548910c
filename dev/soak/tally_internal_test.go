package soak

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestFailuresOutsideTheTableAreViolations(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status            int
		contentType, body string
		want              int
	}{
		"a success":                    {http.StatusOK, "application/json", "{}", 0},
		"a rejection":                  {http.StatusBadRequest, "text/plain", "", 0},
		"a documented problem":         {http.StatusServiceUnavailable, problemType, `{"code":"overloaded"}`, 0},
		"an unknown transfer coding":   {http.StatusNotImplemented, "text/plain", "", 0},
		"a failure without a document": {http.StatusServiceUnavailable, "text/plain", "", 1},
		"the gateway's own failure":    {http.StatusInternalServerError, problemType, `{"code":"internal"}`, 1},
	} {
		tally := NewTally()
		tally.record("kind", test.status, test.contentType, test.body)
		require.Len(t, tally.Violations, test.want, name)
	}
}

func TestLatenciesAreCheckedPerKindOfRequest(t *testing.T) {
	t.Parallel()
	alone := Latencies{"read": {time.Millisecond}, "write": {10 * time.Millisecond}}
	report := &Report{Alone: alone, Loaded: Latencies{"read": {3 * time.Millisecond}, "write": {30 * time.Millisecond}}}
	require.NoError(t, report.CheckLatencies())
	report.Loaded["read"] = []time.Duration{4 * time.Millisecond}
	require.ErrorContains(t, report.CheckLatencies(), "read")
}
