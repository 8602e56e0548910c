package upstream_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/flowgate/flowgate/internal/testlog"
	"github.com/flowgate/flowgate/internal/upstream"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// startHealthWatch returns a client and its log. The client watches the health of the
// upstream until the test ends.
func startHealthWatch(t testing.TB, server *upstreamtest.Server, adjust ...func(*upstream.Options)) (*upstream.Client, *testlog.Buffer) {
	t.Helper()
	log := &testlog.Buffer{}
	client := newClient(t, server, append(adjust, func(options *upstream.Options) {
		options.Log = slog.New(slog.NewTextHandler(log, nil))
	})...)
	ctx, cancel := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() { client.WatchHealth(ctx) })
	t.Cleanup(func() {
		cancel()
		watching.Wait()
	})
	return client, log
}

func TestHealthIsUnknownAtFirst(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	health := newClient(t, server).Health()
	require.False(t, health.Ready)
	require.NotEmpty(t, health.Reason)
	require.Empty(t, server.AllCalls())
}

func TestHealthIsProbedMoreOftenWhileUnhealthy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		client, log := startHealthWatch(t, server)
		synctest.Wait()
		require.Equal(t, upstream.Health{Ready: true}, client.Health())
		time.Sleep(time.Minute + time.Millisecond)
		require.Len(t, server.AllCalls(), 5, "a probe every 15 s, and the first at once")
		ready := "level=INFO msg=\"upstream readiness\" ready=true"
		require.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
		require.Contains(t, log.String(), ready)

		callsWhileHealthy := len(server.AllCalls())
		server.Handle("GetSystemInfo", upstreamtest.Fail(codes.Unavailable, "down for "+marker))
		time.Sleep(15 * time.Second)
		require.False(t, client.Health().Ready)
		require.Contains(t, client.Health().Reason, marker, "the reason may contain internal text, because it is for the admin listener")
		time.Sleep(10 * time.Second)
		require.Len(t, server.AllCalls(), callsWhileHealthy+11, "one failed probe, then one per second")
		require.Equal(t, 2, strings.Count(log.String(), "\n"), log.String())
		require.Contains(t, log.String(), "level=WARN msg=\"upstream readiness\" ready=false upstream=temporal.example:7233 reason=")

		server.Handle("GetSystemInfo", upstreamtest.Respond(&workflowservice.GetSystemInfoResponse{}))
		time.Sleep(time.Second)
		require.Equal(t, upstream.Health{Ready: true}, client.Health())
		require.Equal(t, 2, strings.Count(log.String(), ready), log.String())
	})
}

// A gateway that starts before its upstream must log why it is not ready: once, and again if
// the reason changes.
func TestTheReasonWhyTheUpstreamIsNotReadyIsLoggedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("GetSystemInfo", upstreamtest.Fail(codes.Unavailable, "down"))
		client, log := startHealthWatch(t, server)
		time.Sleep(time.Minute)
		require.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
		require.Contains(t, log.String(), "level=WARN msg=\"upstream readiness\" ready=false upstream=temporal.example:7233 reason=")
		require.Contains(t, log.String(), "down")

		server.Handle("GetSystemInfo", upstreamtest.Fail(codes.Unauthenticated, "unknown token"))
		time.Sleep(time.Minute)
		require.Equal(t, 2, strings.Count(log.String(), "\n"), log.String())
		require.Contains(t, log.String(), "unknown token")

		var calls atomic.Int64
		server.Handle("GetSystemInfo", func(context.Context, []byte) ([]byte, error) {
			return nil, status.Errorf(codes.Unavailable, "port %d", calls.Add(1))
		})
		time.Sleep(time.Minute)
		require.Greater(t, calls.Load(), int64(50))
		require.InDelta(t, 2+4, strings.Count(log.String(), "\n"), 1, "a line every 15 s: %s", log.String())

		server.Handle("GetSystemInfo", upstreamtest.Respond(&workflowservice.GetSystemInfoResponse{}))
		time.Sleep(time.Second)
		require.True(t, client.Health().Ready)
		require.Equal(t, 1, strings.Count(log.String(), "ready=true"), log.String())
	})
}

func TestReadinessRequiresAResponseAndAValidCredential(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]upstreamtest.Handler{
		"no response":           upstreamtest.Hang,
		"a rejected credential": upstreamtest.Fail(codes.PermissionDenied, "Request unauthorized."),
		"an unknown credential": upstreamtest.Fail(codes.Unauthenticated, "unknown token"),
		"not a Temporal server": upstreamtest.Fail(codes.Unimplemented, "unknown service"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := upstreamtest.New(t)
				server.Handle("GetSystemInfo", handler)
				client, _ := startHealthWatch(t, server, func(options *upstream.Options) { options.Credential = staticCredential(t, "secret") })
				time.Sleep(5*time.Second + time.Millisecond) // the timeout of a probe
				require.False(t, client.Health().Ready)
				require.NotEqual(t, "no probe has finished yet", client.Health().Reason)
				require.NotContains(t, client.Health().Reason, "secret")
				call := server.AllCalls()[0]
				require.Equal(t, []string{"Bearer secret"}, call.Metadata["authorization"])
				require.Equal(t, 5*time.Second, call.Deadline.Sub(call.Time))
			})
		})
	}
}

func TestASuccessfulCallMeansReady(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server)
	require.Error(t, describeWorkflow(inOrdersNamespace(t.Context()), client))
	require.False(t, client.Health().Ready)
	server.Handle("DescribeWorkflowExecution", describeHandler())
	require.NoError(t, describeWorkflow(inOrdersNamespace(t.Context()), client))
	require.Equal(t, upstream.Health{Ready: true}, client.Health())
}

// The error of a busy workflow does not mean that the server is unhealthy.
func TestABusyWorkflowTriggersNoHealthProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := upstreamtest.New(t)
		server.Handle("DescribeWorkflowExecution", upstreamtest.Fail(codes.Unavailable, "workflow update was aborted"))
		client, _ := startHealthWatch(t, server)
		for range 10 {
			time.Sleep(time.Second)
			require.Error(t, describeWorkflow(inOrdersNamespace(t.Context()), client))
		}
		require.Len(t, server.Calls("GetSystemInfo"), 1, "only the first probe: the next regular one is after 15 s")
		require.True(t, client.Health().Ready)
	})
}
