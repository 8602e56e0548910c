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

// ownGateway starts a gateway for one test, with additional settings as environment variables. It must stop without an
// error when the test ends.
func ownGateway(t *testing.T, env ...string) *stack.Gateway {
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

// polls returns the number of the gateway's long polls for the end of a workflow.
func polls(t *testing.T, gateway *stack.Gateway) int {
	t.Helper()
	return int(e2etest.Metric(t, gateway, "rpc_client_call_duration_seconds_count", `rpc_method="GetWorkflowExecutionHistory"`))
}
