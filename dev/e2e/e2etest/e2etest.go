// Package e2etest contains the helpers that the packages of end-to-end tests share.
package e2etest

import (
	"bufio"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/stack"
)

// Timeout is the time limit of [Eventually].
const Timeout = 30 * time.Second

// Eventually polls until condition returns true, and fails the test after [Timeout]. It returns the elapsed time.
func Eventually(t *testing.T, description string, condition func() bool) time.Duration {
	t.Helper()
	const interval = 20 * time.Millisecond
	began := time.Now()
	deadline := time.NewTimer(Timeout)
	defer deadline.Stop()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for !condition() {
		select {
		case <-ticker.C:
		case <-deadline.C:
			require.FailNow(t, "timeout waiting for: "+description)
		}
	}
	return time.Since(began)
}

// Metric returns the sum of a metric's samples whose labels include the given ones, each in the form name="value".
// If no labels are given, the metric must exist.
func Metric(t *testing.T, gateway *stack.Gateway, name string, labels ...string) float64 {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, gateway.AdminURL+"/metrics", nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	require.Equal(t, http.StatusOK, response.StatusCode)
	sum, found := 0.0, false
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		sample, value, _ := strings.Cut(lines.Text(), " ")
		series, labelSet, _ := strings.Cut(sample, "{")
		if series != name {
			continue
		}
		found = true
		if containsAll(labelSet, labels) {
			number, err := strconv.ParseFloat(value, 64)
			require.NoError(t, err)
			sum += number
		}
	}
	require.True(t, found || len(labels) > 0, "no metric %s", name)
	return sum
}

func containsAll(labelSet string, labels []string) bool {
	for _, label := range labels {
		if !strings.Contains(labelSet, label) {
			return false
		}
	}
	return true
}
