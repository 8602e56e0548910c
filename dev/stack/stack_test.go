package stack_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/flowgate/flowgate/dev/sample"
	"github.com/flowgate/flowgate/dev/stack"
)

// TestStack runs all tests on one stack, because starting a Temporal server for each test would be too slow.
func TestStack(t *testing.T) {
	t.Parallel()
	s, log := startStack(t)
	t.Run("stack", func(t *testing.T) {
		t.Run("the worker serves the sample workflows", func(t *testing.T) { testSampleWorker(t, s) })
		t.Run("a gateway starts and stops", func(t *testing.T) { testStartAndStop(t, s, log) })
		t.Run("gateways of one stack are independent", func(t *testing.T) { testTwoGateways(t, s) })
		t.Run("Env overrides the address of a gateway", func(t *testing.T) { testEnv(t, s) })
		t.Run("a gateway that fails to start reports the reason", func(t *testing.T) { testFailedStart(t, s) })
		t.Run("a gateway that is never ready does not start", func(t *testing.T) { testNeverReady(t, s) })
		t.Run("a crash of a gateway is reported", func(t *testing.T) { testCrash(t, s) })
		t.Run("a gateway that ignores signals is killed", func(t *testing.T) { testIgnoredSignals(t, s) })
	})
	last := startGateway(t, s, behaves)
	require.NoError(t, s.Stop())
	<-last.Done()
	require.Equal(t, "drained", last.Logs()[2], "stopping a stack drains its gateways")
}

func startStack(t *testing.T) (*stack.Stack, *lockedBuffer) {
	t.Helper()
	executable, err := os.Executable()
	require.NoError(t, err)
	log := &lockedBuffer{}
	s, err := stack.Start(t.Context(), stack.Options{GatewayBinary: executable, Log: log})
	require.NoError(t, err)
	return s, log
}

func startGateway(t *testing.T, s *stack.Stack, mode string) *stack.Gateway {
	t.Helper()
	gateway, err := s.StartGateway(t.Context(), stack.GatewayOptions{Env: []string{modeVariable + "=" + mode}})
	require.NoError(t, err)
	return gateway
}

func testSampleWorker(t *testing.T, s *stack.Stack) {
	options := client.StartWorkflowOptions{ID: uuid.NewString(), TaskQueue: sample.TaskQueue}
	run, err := s.Client().ExecuteWorkflow(t.Context(), options, "Chain", sample.ChainInput{})
	require.NoError(t, err)
	require.NoError(t, run.Get(t.Context(), nil))
}

func testStartAndStop(t *testing.T, s *stack.Stack, log *lockedBuffer) {
	gateway := startGateway(t, s, behaves)
	for _, url := range []string{gateway.URL, gateway.AdminURL} {
		require.Equal(t, http.StatusOK, get(t, url+"/readyz"))
	}
	require.Regexp(t, `^arguments \[serve --config /.*/dev/stack/gateway.yaml\]$`, gateway.Logs()[0])
	require.Contains(t, log.String(), gateway.Logs()[0])

	require.NoError(t, gateway.Signal(syscall.SIGTERM))
	<-gateway.Done()
	require.NoError(t, gateway.Err())
	require.Equal(t, "drained", gateway.Logs()[2])
	require.NoError(t, gateway.Stop(t.Context()), "stopping an exited gateway succeeds")
}

func testTwoGateways(t *testing.T, s *stack.Stack) {
	one, two := startGateway(t, s, behaves), startGateway(t, s, behaves)
	require.NotEqual(t, one.URL, two.URL)
	require.NotEqual(t, one.PID(), two.PID())
	require.NoError(t, one.Stop(t.Context()))
	require.Equal(t, http.StatusOK, get(t, two.URL+"/readyz"))
	require.NoError(t, two.Stop(t.Context()))
}

func testEnv(t *testing.T, s *stack.Stack) {
	if runtime.GOOS != "linux" {
		t.Skip("127.0.0.2 is a loopback address on Linux only")
	}
	gateway, err := s.StartGateway(t.Context(), stack.GatewayOptions{
		Env: []string{modeVariable + "=" + behaves, "FLOWGATE_LISTEN_PUBLIC=127.0.0.2:0"},
	})
	require.NoError(t, err)
	require.Contains(t, gateway.URL, "http://127.0.0.2:")
	require.Equal(t, http.StatusOK, get(t, gateway.URL+"/readyz"))
	require.NoError(t, gateway.Stop(t.Context()))
}

func testFailedStart(t *testing.T, s *stack.Stack) {
	_, err := s.StartGateway(t.Context(), stack.GatewayOptions{Env: []string{modeVariable + "=" + failsToStart}})
	require.ErrorContains(t, err, "exit status 2")
	require.ErrorContains(t, err, "listen.public: is wrong")
}

func testNeverReady(t *testing.T, s *stack.Stack) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := s.StartGateway(ctx, stack.GatewayOptions{Env: []string{modeVariable + "=" + neverReady}})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func testCrash(t *testing.T, s *stack.Stack) {
	gateway := startGateway(t, s, crashes)
	require.NoError(t, gateway.Err())
	go crash(t.Context(), gateway.URL)
	<-gateway.Done()
	require.ErrorContains(t, gateway.Err(), "exit status 3")
	require.ErrorContains(t, gateway.Err(), "crashing")
}

func testIgnoredSignals(t *testing.T, s *stack.Stack) {
	gateway := startGateway(t, s, ignoresSignals)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	require.ErrorContains(t, gateway.Stop(ctx), "killed")
	<-gateway.Done()
	require.ErrorIs(t, syscall.Kill(gateway.PID(), 0), syscall.ESRCH)
}

func get(t *testing.T, url string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response.StatusCode
}

// crash requests the crash of a fake gateway. It ignores errors, because the gateway may exit before it responds.
func crash(ctx context.Context, url string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/crash", nil)
	if err != nil {
		return
	}
	if response, err := http.DefaultClient.Do(request); err == nil {
		_ = response.Body.Close()
	}
}

// lockedBuffer is a buffer that is safe for concurrent use.
type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(data []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(data)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
