package e2e_test

import (
	"bufio"
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/stack"
)

// ownGateway starts a gateway for one test, with additional settings as environment variables. It must stop without an
// error when the test ends.
func ownGateway(t *testing.T, env ...string) *stack.Gateway {
	t.Helper()
	gateway, err := startGateway(t.Context(), env...)
	require.NoError(t, err)
	t.Cleanup(func() {
		const patience = 40 * time.Second
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		assert.NoError(t, gateway.Stop(ctx))
	})
	return gateway
}

// metric returns the sum of a metric's samples whose labels include the given ones, each in the form name="value".
func metric(t *testing.T, gateway *stack.Gateway, name string, labels ...string) float64 {
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
		series, set, _ := strings.Cut(sample, "{")
		if series != name {
			continue
		}
		found = true
		if hasAll(set, labels) {
			number, err := strconv.ParseFloat(value, 64)
			require.NoError(t, err)
			sum += number
		}
	}
	require.True(t, found || len(labels) > 0, "no metric %s", name)
	return sum
}

func hasAll(set string, labels []string) bool {
	for _, label := range labels {
		if !strings.Contains(set, label) {
			return false
		}
	}
	return true
}

// polls returns the number of the gateway's long polls for the end of a workflow.
func polls(t *testing.T, gateway *stack.Gateway) int {
	t.Helper()
	return int(metric(t, gateway, "rpc_client_call_duration_seconds_count", `rpc_method="GetWorkflowExecutionHistory"`))
}
