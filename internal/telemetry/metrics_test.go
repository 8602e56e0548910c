package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/telemetry"
)

func newMetrics(t testing.TB) *telemetry.Metrics {
	t.Helper()
	m, err := telemetry.NewMetrics("test")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Shutdown(context.Background())) })
	return m
}

func scrape(t testing.TB, m *telemetry.Metrics) string {
	t.Helper()
	response := httptest.NewRecorder()
	m.Handler().ServeHTTP(response, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	require.Equal(t, 200, response.Code)
	return response.Body.String()
}

func TestScrapeContainsEveryRecordedMetric(t *testing.T) {
	t.Parallel()
	m, ctx := newMetrics(t), t.Context()
	m.RecordRequest(ctx, "GET", "/v1/system-info", 200, 20*time.Millisecond)
	m.RecordRequest(ctx, "GET", "/v1/system-info", 200, 20*time.Millisecond)
	m.RecordRequest(ctx, "BREW", "", 999, time.Millisecond)
	m.RecordRPC(ctx, "GetSystemInfo", codes.NotFound, time.Millisecond)
	m.CountRetry(ctx, "GetSystemInfo")
	m.RetryThrottled(ctx, "GetSystemInfo")
	m.AuthFailure(ctx, "unknown")
	m.KeysReloaded(ctx, nil)
	m.KeysReloaded(ctx, errors.New("bad file"))
	m.Active.Inc()
	m.Reads.Inc()
	m.Writes.Set(2)
	m.Waits.Inc()
	m.Waits.Dec()
	m.WaitCallers.Set(5000)
	m.WaitPolls.Set(3)
	m.Ready.Set(1)

	lines := strings.Split(scrape(t, m), "\n")
	for _, want := range []string{
		`http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200",http_route="/v1/system-info"} 2`,
		`http_server_request_duration_seconds_bucket{http_request_method="GET",http_response_status_code="200",http_route="/v1/system-info",le="0.025"} 2`,
		`http_server_request_duration_seconds_count{http_request_method="_OTHER",http_response_status_code="0",http_route="unmatched"} 1`,
		`rpc_client_call_duration_seconds_count{rpc_method="GetSystemInfo",rpc_response_status_code="NOT_FOUND"} 1`,
		`flowgate_upstream_retries_total{rpc_method="GetSystemInfo"} 1`,
		`flowgate_upstream_retries_throttled_total{rpc_method="GetSystemInfo"} 1`,
		`flowgate_auth_failures_total{reason="unknown"} 1`,
		`flowgate_keys_reloads_total{outcome="success"} 1`,
		`flowgate_keys_reloads_total{outcome="failure"} 1`,
		`http_server_active_requests 1`,
		`flowgate_in_flight{kind="read"} 1`,
		`flowgate_in_flight{kind="write"} 2`,
		`flowgate_in_flight{kind="wait"} 0`,
		`flowgate_wait_callers 5000`,
		`flowgate_wait_polls 3`,
		`flowgate_ready 1`,
	} {
		require.Contains(t, lines, want)
	}
	text := strings.Join(lines, "\n")
	require.Regexp(t, `flowgate_build_info\{go_version="go1[^"]*",version="test"\} 1`, text)
	require.Regexp(t, `flowgate_keys_last_reload_success_timestamp_seconds [1-9]`, text)
	require.Contains(t, text, "\ngo_goroutines ")
	require.Contains(t, text, "\nprocess_start_time_seconds ")
	require.NotContains(t, text, "otel_scope")
}

func TestMetricsInstancesAreIndependent(t *testing.T) {
	t.Parallel()
	one, two := newMetrics(t), newMetrics(t)
	one.AuthFailure(t.Context(), "unknown")
	require.NotContains(t, scrape(t, two), "flowgate_auth_failures_total{")
}

func TestNumberOfLabelSetsIsLimited(t *testing.T) {
	t.Parallel()
	m := newMetrics(t)
	var recorders sync.WaitGroup
	for n := range 4 {
		recorders.Go(func() {
			for i := range 1100 {
				m.AuthFailure(t.Context(), fmt.Sprint("reason-", n, "-", i))
			}
		})
	}
	recorders.Wait()
	text := scrape(t, m)
	require.Equal(t, 4096+1, strings.Count(text, "flowgate_auth_failures_total{"))
	require.Contains(t, text, `flowgate_auth_failures_total{reason="_OTHER"} 304`, "4,400 reasons, of which 4,096 have their own series")
}

func BenchmarkRequest(b *testing.B) {
	m, ctx := newMetrics(b), b.Context()
	b.ReportAllocs()
	for b.Loop() {
		m.RecordRequest(ctx, "POST", "/v1/namespaces/{namespace}/workflows", 201, 3*time.Millisecond)
	}
}

func BenchmarkRequestParallel(b *testing.B) {
	m, ctx := newMetrics(b), b.Context()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			m.RecordRequest(ctx, "POST", "/v1/namespaces/{namespace}/workflows", 201, 3*time.Millisecond)
		}
	})
}

func BenchmarkRPC(b *testing.B) {
	m, ctx := newMetrics(b), b.Context()
	b.ReportAllocs()
	for b.Loop() {
		m.RecordRPC(ctx, "StartWorkflowExecution", codes.OK, 3*time.Millisecond)
	}
}

func BenchmarkInFlight(b *testing.B) {
	m := newMetrics(b)
	b.ReportAllocs()
	for b.Loop() {
		m.Active.Inc()
		m.Active.Dec()
	}
}
