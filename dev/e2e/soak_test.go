package e2e_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/sample"
	"github.com/flowgate/flowgate/dev/soak"
	"github.com/flowgate/flowgate/dev/stack"
)

// TestSoakBriefly runs a short version of `make soak`. It does not run in parallel with other tests, which the flood of
// requests would affect. It does not check latencies, because they depend on other load of the machine.
func TestSoakBriefly(t *testing.T) {
	settings, err := soak.Settings(t.TempDir())
	require.NoError(t, err)
	gateway, err := shared.stack.StartGateway(t.Context(), stack.GatewayOptions{Env: settings})
	require.NoError(t, err)
	var out strings.Builder
	report, err := soak.Run(t.Context(), soak.Options{
		URL: gateway.URL, AdminURL: gateway.AdminURL, RegularKey: stack.WriterKey, HostileKey: stack.ReaderKey,
		TaskQueue: sample.TaskQueue, Duration: 10 * time.Second, RegularRate: 20, Flood: 16, Out: &out,
	})
	if report != nil {
		report.Write(&out)
	}
	t.Log(out.String())
	require.NoError(t, err)
	require.NotEmpty(t, report.Loaded["execute"])
	require.NoError(t, gateway.Stop(t.Context()))
}
