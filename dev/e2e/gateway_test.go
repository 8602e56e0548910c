package e2e_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
	"github.com/flowgate/flowgate/dev/stack"
)

// startGatewayForTest starts a gateway that only the calling test uses. env contains additional settings as environment
// variables. When the test ends, the gateway must stop without an error.
func startGatewayForTest(t *testing.T, env ...string) *stack.Gateway {
	t.Helper()
	gateway, err := startGateway(t.Context(), env...)
	require.NoError(t, err)
	t.Cleanup(func() {
		const timeout = 40 * time.Second
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		assert.NoError(t, gateway.Stop(ctx))
	})
	return gateway
}

// historyCalls returns how often the gateway has called GetWorkflowExecutionHistory. A wait for an outcome polls by
// this method.
func historyCalls(t *testing.T, gateway *stack.Gateway) int {
	t.Helper()
	return int(e2etest.Metric(t, gateway, "rpc_client_call_duration_seconds_count", `rpc_method="GetWorkflowExecutionHistory"`))
}
