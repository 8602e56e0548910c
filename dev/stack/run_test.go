package stack_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/server/common/testing/freeport"

	"github.com/flowgate/flowgate/dev/stack"
)

func TestRunReturnsWhenInterrupted(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	options, out := runOptions(t, behaves)
	ended := run(ctx, options)
	awaitReady(t, out)
	commands := out.String()[strings.Index(out.String(), "\n\n")+2:]
	require.Equal(t, 6, strings.Count("\n"+commands, "\ncurl -s "))
	require.Contains(t, commands, fmt.Sprintf("http://127.0.0.1:%d/v1/namespaces/default/workflows", options.Ports.Gateway))

	interrupt()
	require.NoError(t, <-ended)
	require.Contains(t, out.String(), "] stopped\n")
	log, err := os.ReadFile(options.LogFile)
	require.NoError(t, err)
	require.Contains(t, string(log), "drained")
	require.NoError(t, options.Ports.Check(), "Run has released its ports")
}

func TestRunReturnsErrorWhenGatewayExits(t *testing.T) {
	t.Parallel()
	options, out := runOptions(t, crashes)
	ended := run(t.Context(), options)
	awaitReady(t, out)
	go crash(t.Context(), fmt.Sprintf("http://127.0.0.1:%d", options.Ports.Gateway))
	require.ErrorContains(t, <-ended, "the gateway exited unexpectedly")
}

func TestRunReportsWhyGatewayDidNotStart(t *testing.T) {
	t.Parallel()
	options, _ := runOptions(t, failsToStart)
	require.ErrorContains(t, <-run(t.Context(), options), "listen.public: is wrong")
}

func TestRunReportsWhyBuildFailed(t *testing.T) {
	t.Parallel()
	options, _ := runOptions(t, behaves)
	options.Build = []string{"sh", "-c", "echo undefined: gateway >&2; exit 2"}
	require.ErrorContains(t, <-run(t.Context(), options), "undefined: gateway")
}

func TestInterruptStopsTheBuild(t *testing.T) {
	t.Parallel()
	options, out := runOptions(t, behaves)
	options.Build = []string{"sh", "-c", "echo building; sleep 1000 & wait"}
	ctx, interrupt := context.WithCancel(t.Context())
	ended := run(ctx, options)
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		log, err := os.ReadFile(options.LogFile)
		require.NoError(c, err)
		require.Contains(c, string(log), "building")
	}, 10*time.Second, 10*time.Millisecond)
	interrupt()
	require.NoError(t, <-ended)
	require.NotContains(t, out.String(), "Temporal")
}

func TestPortsFromEnv(t *testing.T) {
	t.Parallel()
	ports, err := stack.PortsFromEnv(func(string) string { return "" })
	require.NoError(t, err)
	require.Equal(t, stack.Ports{Temporal: 7233, Gateway: 8080, Admin: 8081}, ports)

	ports, err = stack.PortsFromEnv(func(name string) string { return map[string]string{"GATEWAY_PORT": "9000"}[name] })
	require.NoError(t, err)
	require.Equal(t, stack.Ports{Temporal: 7233, Gateway: 9000, Admin: 8081}, ports)

	_, err = stack.PortsFromEnv(func(name string) string {
		return map[string]string{"ADMIN_PORT": "0", "TEMPORAL_PORT": "http"}[name]
	})
	require.ErrorContains(t, err, "TEMPORAL_PORT=http is not a port")
	require.ErrorContains(t, err, "ADMIN_PORT=0 is not a port")
}

func TestUnavailablePortsAreReportedWithVariable(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, listener.Close()) })
	address, ok := listener.Addr().(*net.TCPAddr)
	require.True(t, ok)
	taken := address.Port
	free := freeport.MustGetFreePort()
	err = stack.Ports{Temporal: free, Gateway: taken, Admin: free}.Check()
	require.ErrorContains(t, err, "port "+strconv.Itoa(taken)+" is not available; choose another with GATEWAY_PORT")
	require.ErrorContains(t, err, "TEMPORAL_PORT and ADMIN_PORT are both "+strconv.Itoa(free))
}

func runOptions(t *testing.T, mode string) (stack.RunOptions, *lockedBuffer) {
	t.Helper()
	executable, err := os.Executable()
	require.NoError(t, err)
	out := &lockedBuffer{}
	return stack.RunOptions{
		Ports: stack.Ports{
			Temporal: freeport.MustGetFreePort(),
			Gateway:  freeport.MustGetFreePort(),
			Admin:    freeport.MustGetFreePort(),
		},
		Build:         []string{"true"},
		GatewayBinary: executable,
		Env:           []string{modeVariable + "=" + mode},
		LogFile:       filepath.Join(t.TempDir(), "logs", "stack.log"),
		Out:           out,
	}, out
}

// run runs the stack in the background. The channel receives its error.
func run(ctx context.Context, options stack.RunOptions) <-chan error {
	ended := make(chan error, 1)
	go func() { ended <- stack.Run(ctx, options) }()
	return ended
}

func awaitReady(t *testing.T, out *lockedBuffer) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		require.Contains(c, out.String(), "\ncurl ")
	}, 30*time.Second, 10*time.Millisecond)
}
