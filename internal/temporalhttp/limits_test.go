package temporalhttp_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func TestBodySizeIsLimited(t *testing.T) {
	t.Parallel()
	const limit = 1000
	withGateway(t, func(cfg *config.Config) { cfg.Limits.MaxBodyBytes = limit }, func(t *testing.T, g *servertest.Gateway) {
		before := len(g.Upstream.AllCalls())
		const path = "/namespaces/default/workflows/w/signal/s"
		fits := `{"input":["` + strings.Repeat("a", limit-len(`{"input":[""]}`)) + `"]}`
		for _, prefix := range []string{"", "/api/v1"} {
			resp := g.Do(t, http.MethodPost, prefix+path, fits+" ")
			servertest.RequireRPCError(t, resp, http.StatusRequestEntityTooLarge, codes.ResourceExhausted)
		}
		require.Len(t, g.Upstream.AllCalls(), before)
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodPost, path, fits).Status)
	})
}

func TestInvalidBodiesReturn400(t *testing.T) {
	t.Parallel()
	withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
		before := len(g.Upstream.AllCalls())
		const path = "/namespaces/default/workflows/w/signal/s"
		for _, body := range []string{`{`, `[]`, `{"x":1}`, `{}{}`, `{"requestId":"a","requestId":"b"}`, `{"requestId":"a","request_id":"b"}`, `"`, "\xff", `{"requestId":1}`} {
			s := servertest.RequireRPCError(t, g.Do(t, http.MethodPost, path, body), http.StatusBadRequest, codes.InvalidArgument)
			require.Less(t, len(s.Message), 400)
		}
		resp := g.Do(t, http.MethodPost, path, `{}`, "Content-Encoding", "gzip")
		servertest.RequireRPCError(t, resp, http.StatusUnsupportedMediaType, codes.InvalidArgument)
		require.Len(t, g.Upstream.AllCalls(), before)
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodPost, path, "").Status, "an empty body is an empty message")
	})
}

func TestCallerMetadataIsDroppedUnlessAllowed(t *testing.T) {
	t.Parallel()
	withGateway(t, func(cfg *config.Config) { cfg.Upstream.CallerMetadata = []string{"x-tenant"} }, func(t *testing.T, g *servertest.Gateway) {
		send := func(key string) map[string][]string {
			resp := g.Do(t, http.MethodGet, "/namespaces/default/workflows/w", "", append(servertest.Bearer(key),
				"Grpc-Metadata-X-Tenant", "blue", "Grpc-Metadata-X-Own", "1", "Grpc-Metadata-X-Other", "2", "Grpc-Metadata-Authorization", "Bearer evil",
				"Grpc-Metadata-Temporal-Namespace", "other", "Grpc-Metadata-Client-Name", "evil", "Grpc-Metadata-Caller-Type", "operator")...)
			require.Equal(t, http.StatusOK, resp.Status, resp.Body)
			calls := g.Upstream.Calls("DescribeWorkflowExecution")
			return calls[len(calls)-1].Metadata
		}
		for key, wantOwn := range map[string][]string{servertest.RootKey: {"1"}, servertest.WriterKey: nil} {
			md := send(key)
			require.Equal(t, []string{"blue"}, md["x-tenant"])
			require.Equal(t, wantOwn, md["x-own"], "only the root key allows x-own")
			require.Equal(t, []string{"default"}, md["temporal-namespace"])
			for _, name := range []string{"x-other", "authorization", "caller-type", "x-api-key", "cookie"} {
				require.Empty(t, md[name], name)
			}
			require.NotContains(t, md["client-name"], "evil")
		}
	})
}

// The defaults are 30 seconds (limits.timeouts.default), and 70 seconds for long polls
// (limits.timeouts.longPoll).
func TestUpstreamCallHasTheDeadlineOfItsKind(t *testing.T) {
	t.Parallel()
	withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
		const workflow = "/namespaces/default/workflows/w"
		for _, c := range []struct {
			verb, path, method string
			headers            []string
			want               time.Duration
		}{
			{http.MethodGet, workflow, "DescribeWorkflowExecution", nil, 30 * time.Second},
			{http.MethodGet, workflow, "DescribeWorkflowExecution", []string{"Grpc-Timeout", "1500m"}, 1500 * time.Millisecond},
			{http.MethodGet, workflow, "DescribeWorkflowExecution", []string{"Request-Timeout", "2s"}, 2 * time.Second},
			{http.MethodGet, workflow, "DescribeWorkflowExecution", []string{"Grpc-Timeout", "1H"}, 5 * time.Minute}, // limits.timeouts.max
			{http.MethodGet, workflow + "/history", "GetWorkflowExecutionHistory", nil, 30 * time.Second},
			{http.MethodGet, workflow + "/history?waitNewEvent=false", "GetWorkflowExecutionHistory", nil, 30 * time.Second},
			{http.MethodGet, workflow + "/history?waitNewEvent=true", "GetWorkflowExecutionHistory", nil, 70 * time.Second},
			{http.MethodGet, workflow + "/history?wait_new_event=1", "GetWorkflowExecutionHistory", nil, 70 * time.Second},
			{http.MethodGet, workflow + "/history?waitNewEvent=true", "GetWorkflowExecutionHistory", []string{"Grpc-Timeout", "5S"}, 5 * time.Second},
			{http.MethodPost, workflow + "/update/u", "UpdateWorkflowExecution", nil, 70 * time.Second},
			{http.MethodGet, workflow + "/time-skipping/poll", "PollWorkflowExecutionTimeSkipping", nil, 70 * time.Second},
			{http.MethodGet, "/namespaces/default/activities/a/outcome", "PollActivityExecution", nil, 70 * time.Second},
			{http.MethodGet, "/namespaces/default/activities/a?longPollToken=YQ", "DescribeActivityExecution", nil, 70 * time.Second},
			{http.MethodGet, "/namespaces/default/activities/a?long_poll_token=YQ", "DescribeActivityExecution", nil, 70 * time.Second},
			{http.MethodGet, "/namespaces/default/activities/a?longPollToken=", "DescribeActivityExecution", nil, 30 * time.Second},
			{http.MethodGet, "/namespaces/default/nexus-operations/a?longPollToken=YQ", "DescribeNexusOperationExecution", nil, 70 * time.Second},
		} {
			resp := g.Do(t, c.verb, c.path, "", c.headers...)
			require.Equal(t, http.StatusOK, resp.Status, "%s: %s", c.path, resp.Body)
			calls := g.Upstream.Calls(c.method)
			call := calls[len(calls)-1]
			require.Equal(t, c.want, call.Deadline.Sub(call.Time), "%s %v", c.path, c.headers)
		}
		before := len(g.Upstream.AllCalls())
		for _, headers := range [][]string{{"Grpc-Timeout", "5"}, {"Grpc-Timeout", "0S"}, {"Request-Timeout", "x"}, {"Grpc-Timeout", "1S", "Request-Timeout", "1s"}} {
			servertest.RequireRPCError(t, g.Do(t, http.MethodGet, workflow, "", headers...), http.StatusBadRequest, codes.InvalidArgument)
		}
		require.Len(t, g.Upstream.AllCalls(), before)
	})
}

// longPolls maps the paths of long polls to their RPCs.
func longPolls() map[string]string {
	const workflow = "/api/v1/namespaces/default/workflows/w"
	return map[string]string{
		workflow + "/history?waitNewEvent=true":                          "GetWorkflowExecutionHistory",
		workflow + "/time-skipping/poll":                                 "PollWorkflowExecutionTimeSkipping",
		"/api/v1/namespaces/default/activities/a/outcome":                "PollActivityExecution",
		"/api/v1/namespaces/default/nexus-operations/o/poll":             "PollNexusOperationExecution",
		"/api/v1/namespaces/default/activities/a?longPollToken=YQ":       "DescribeActivityExecution",
		"/api/v1/namespaces/default/nexus-operations/o?longPollToken=YQ": "DescribeNexusOperationExecution",
	}
}

func TestLongPollsAreCountedAsWaits(t *testing.T) {
	t.Parallel()
	withGateway(t, func(cfg *config.Config) {
		cfg.Limits.InFlight = config.InFlight{Reads: 1, Writes: 1, Waits: len(longPolls()), CallerShare: 1, Queue: 0, QueueTime: time.Second}
	}, func(t *testing.T, g *servertest.Gateway) {
		ctx, disconnect := context.WithCancel(t.Context())
		for path, method := range longPolls() {
			g.Upstream.Handle(method, upstreamtest.Hang)
			go func() { _, _ = g.Send(ctx, http.MethodGet, path, "") }()
		}
		time.Sleep(time.Second)
		synctest.Wait()
		gauges := g.InFlight(t)
		require.Equal(t, "6", gauges[`flowgate_in_flight{kind="wait"}`], "%v", gauges)
		require.Equal(t, "0", gauges[`flowgate_in_flight{kind="read"}`])

		for path := range longPolls() { // the pool of waits is full
			resp := g.Do(t, http.MethodGet, path, "")
			servertest.RequireRPCError(t, resp, http.StatusServiceUnavailable, codes.Unavailable)
			require.NotEmpty(t, resp.Header.Get("Retry-After"))
		}
		resp := g.Do(t, http.MethodPost, "/namespaces/default/workflows/w/update/u", "")
		servertest.RequireRPCError(t, resp, http.StatusServiceUnavailable, codes.Unavailable)
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, "/namespaces/default/workflows/w", "").Status, "other pools are not full")
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodPost, "/namespaces/default/workflows/w/signal/s", "").Status)
		disconnect()
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, "0", g.InFlight(t)[`flowgate_in_flight{kind="wait"}`])
	})
}

func TestLongPollEndsAtItsDeadline(t *testing.T) {
	t.Parallel()
	withGateway(t, func(cfg *config.Config) { cfg.Limits.Timeouts.LongPoll = 40 * time.Second }, func(t *testing.T, g *servertest.Gateway) {
		for path, method := range longPolls() {
			g.Upstream.Handle(method, upstreamtest.Hang)
			var resp servertest.Response
			require.Equal(t, 40*time.Second, servertest.Elapsed(func() { resp = g.Do(t, http.MethodGet, path, "") }), path)
			servertest.RequireRPCError(t, resp, http.StatusGatewayTimeout, codes.DeadlineExceeded)
			require.Len(t, g.Upstream.Calls(method), 1)
		}
	})
}

func TestDrainEndsLongPolls(t *testing.T) {
	t.Parallel()
	withGateway(t, func(cfg *config.Config) {
		servertest.WithDrain(cfg)
		cfg.Limits.Timeouts.LongPoll = 4 * time.Minute
	}, func(t *testing.T, g *servertest.Gateway) {
		responses := make(chan servertest.Response, len(longPolls()))
		for path, method := range longPolls() {
			g.Upstream.Handle(method, upstreamtest.Hang)
			go func() {
				resp, _ := g.Send(t.Context(), http.MethodGet, path, "")
				responses <- resp
			}()
		}
		time.Sleep(time.Second)
		begin := time.Now()
		g.Stop()
		for range longPolls() {
			resp := <-responses
			servertest.RequireRPCError(t, resp, http.StatusServiceUnavailable, codes.Unavailable)
		}
		require.LessOrEqual(t, time.Since(begin), 6*time.Second, "the polls must end soon after the drain delay")
		t.Logf("after %v", time.Since(begin))
		require.NoError(t, <-g.Done)
	})
}

func TestDisconnectEndsTheLongPoll(t *testing.T) {
	t.Parallel()
	withGateway(t, nil, func(t *testing.T, g *servertest.Gateway) {
		cancelled := make(chan time.Time, 1)
		g.Upstream.Handle("GetWorkflowExecutionHistory", func(ctx context.Context, _ []byte) ([]byte, error) {
			<-ctx.Done()
			cancelled <- time.Now()
			return nil, ctx.Err()
		})
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := g.Send(ctx, http.MethodGet, "/namespaces/default/workflows/w/history?waitNewEvent=true", "")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Less(t, (<-cancelled).Sub(begin), time.Second+50*time.Millisecond)
		synctest.Wait()
		require.Contains(t, g.Log.String(), `"status":499`)
	})
}
