package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
	"github.com/flowgate/flowgate/dev/sample"
	"github.com/flowgate/flowgate/dev/stack"
)

// shutdownLoad is a group of clients, each with a keep-alive connection. A client sends requests until a response is
// 503, or 504 for a write that was in flight when the drain timed out, or it cannot connect, as a load balancer sends requests to a replica until readiness fails.
type shutdownLoad struct {
	clients sync.WaitGroup

	mu       sync.Mutex
	statuses map[string]int // number of responses, by kind of client and status: "read 200"
	lost     []error        // requests without a response
}

type call struct{ method, path, body string }

// run adds a client. Call n is the one that next(n) returns.
func (l *shutdownLoad) run(ctx context.Context, gateway *stack.Gateway, kind string, next func(n int) call) {
	transport := &http.Transport{}
	c := writer().onGateway(gateway)
	c.client = &http.Client{Transport: transport}
	l.clients.Go(func() {
		defer transport.CloseIdleConnections()
		for n := 0; ; n++ {
			request := next(n)
			if !l.call(ctx, c, kind, request) {
				return
			}
		}
	})
}

// call makes one call and reports whether the client makes more. A failure to connect loses no request and ends the
// client. Any other request must be written once and receive a response: net/http may retry a request on another
// connection, and then the first one counts as lost.
func (l *shutdownLoad) call(ctx context.Context, c caller, kind string, request call) bool {
	written, connection := 0, ""
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			connection = map[bool]string{true: "reused", false: "new"}[info.Reused]
		},
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			l.mu.Lock()
			defer l.mu.Unlock()
			if info.Err == nil {
				written++
			}
		},
	})
	a, err := c.send(ctx, request.method, request.path, request.body)
	l.mu.Lock()
	defer l.mu.Unlock()
	var dialing *net.OpError
	switch dialFailed := errors.As(err, &dialing) && dialing.Op == "dial"; {
	case err == nil && written == 1:
		l.statuses[fmt.Sprintf("%s %d", kind, a.status)]++
		return a.status != http.StatusServiceUnavailable && a.status != http.StatusGatewayTimeout
	case dialFailed && written == 0:
		return false
	default:
		l.lost = append(l.lost, fmt.Errorf("%s: written %d times, on a %s connection, status %d: %w",
			kind, written, connection, a.status, err))
		return err == nil
	}
}

// count returns the number of responses with a status that clients of a kind have received.
func (l *shutdownLoad) count(kind string, status int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.statuses[fmt.Sprintf("%s %d", kind, status)]
}

func TestDrainLosesNoRequest(t *testing.T) {
	t.Parallel()
	const readers, starters, waiters = 4, 4, 4
	gateway := startGatewayForTest(t, "FLOWGATE_LISTEN_DRAIN_DELAY=1s")
	s := start(t, "Wait")
	prefix := newID(t)
	l := &shutdownLoad{statuses: map[string]int{}}
	for range readers {
		l.run(t.Context(), gateway, "read", func(int) call { return call{http.MethodGet, workflowPath(s.WorkflowID), ""} })
	}
	for i := range starters {
		l.run(t.Context(), gateway, "start", func(n int) call {
			id := fmt.Sprintf("%s-%d-%d", prefix, i, n)
			return call{http.MethodPost, workflows, startBody("EchoPayload", id, sample.TaskQueue)}
		})
	}
	for range waiters {
		l.run(t.Context(), gateway, "wait", func(int) call {
			return call{http.MethodGet, workflowPath(s.WorkflowID, "/result?wait=50s"), ""}
		})
	}
	served := func(times int) func() bool {
		return func() bool {
			return l.count("read", http.StatusOK) >= times && l.count("start", http.StatusCreated) >= times
		}
	}
	e2etest.Eventually(t, "all clients have received responses", served(100))
	e2etest.Eventually(t, "all waiters wait", func() bool { return e2etest.Metric(t, gateway, "flowgate_wait_callers") == waiters })
	before := l.count("read", http.StatusOK)

	require.NoError(t, gateway.Signal(syscall.SIGTERM))
	awaitExit(t, gateway)
	l.clients.Wait()
	t.Logf("responses: %v", l.statuses)
	require.NoError(t, gateway.Err(), "the exit code is 0")
	require.NoError(t, errors.Join(l.lost...), "no request is lost")
	require.Greater(t, l.count("read", http.StatusOK), before, "the gateway serves during the drain delay")
	require.GreaterOrEqual(t, l.count("wait", http.StatusAccepted), waiters, "waits end with 202")
	require.Zero(t, l.count("wait", http.StatusOK))
	terminate(t, s.WorkflowID)
}

// awaitExit waits for a gateway to exit after a signal.
func awaitExit(t *testing.T, gateway *stack.Gateway) {
	t.Helper()
	const timeout = 30 * time.Second
	select {
	case <-gateway.Done():
	case <-time.After(timeout):
		require.FailNow(t, "the gateway does not exit")
	}
}

func TestDrainEndsWaitsAsPending(t *testing.T) {
	t.Parallel()
	gateway := startGatewayForTest(t)
	s := startWithoutWorker(t)
	location := workflowPath(s.WorkflowID, "/result", runIDQuery(s.RunID))
	responses := startConcurrentWaits(t, gateway, writer(), location+"&wait=50s", 5)
	require.NoError(t, gateway.Signal(syscall.SIGTERM))
	for _, a := range responses() {
		pending := as[outcome](t, a.expect(t, http.StatusAccepted))
		require.Equal(t, []string{s.WorkflowID, s.RunID, "RUNNING"}, []string{pending.WorkflowID, pending.RunID, pending.Status})
		require.Equal(t, []string{location, "1"}, []string{a.header.Get("Location"), a.header.Get("Retry-After")})
	}
	awaitExit(t, gateway)
	require.NoError(t, gateway.Err())
	terminate(t, s.WorkflowID)
}
