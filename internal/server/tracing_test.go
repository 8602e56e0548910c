package server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
)

// The test is not parallel, because it changes environment variables.
func TestTracingIsConfiguredByOpenTelemetryVariables(t *testing.T) {
	var mu sync.Mutex
	spans := map[string]*trace.Span{}
	exports := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		request := &collector.ExportTraceServiceRequest{}
		if proto.Unmarshal(body, request) != nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		for _, resource := range request.GetResourceSpans() {
			for _, scope := range resource.GetScopeSpans() {
				for _, span := range scope.GetSpans() {
					spans[span.GetName()] = span
				}
			}
		}
	}))
	defer exports.Close()
	t.Setenv("OTEL_TRACES_EXPORTER", "otlp")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", exports.URL)

	g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) { cfg.Listen.DrainDelay = 0 }, Getenv: os.Getenv})
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, "/v1/system-info", "", "traceparent", parent).Status)
	require.Equal(t, http.StatusUnauthorized, g.Do(t, http.MethodGet, "/v1/system-info", "", "traceparent", parent,
		"Authorization", "Bearer unknown").Status)
	calls := g.Upstream.Calls("GetSystemInfo")
	g.Stop()
	require.NoError(t, <-g.Done)

	mu.Lock()
	defer mu.Unlock()
	server, client := spans["GET /v1/system-info"], spans["GetSystemInfo"]
	require.NotNil(t, server)
	require.NotNil(t, client)
	require.Equal(t, "\x0a\xf7\x65\x19\x16\xcd\x43\xdd\x84\x48\xeb\x21\x1c\x80\x31\x9c", string(server.GetTraceId()), "the span continues the caller's trace")
	var continued bool
	for _, call := range calls {
		continued = continued || len(call.Metadata.Get("traceparent")) == 1
	}
	require.True(t, continued, "the upstream call continues the trace")
}

// The test is not parallel, because it changes environment variables.
func TestHistogramsHaveExemplarsOfSampledRequests(t *testing.T) {
	exports := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer exports.Close()
	t.Setenv("OTEL_TRACES_EXPORTER", "otlp")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", exports.URL)
	g := servertest.Start(t, servertest.Options{
		Configure: func(cfg *config.Config) { cfg.Listen.DrainDelay, cfg.Metrics.Callers = 0, 1 }, Getenv: os.Getenv,
	})
	serveLists(g)
	const sampled, unsampled = "0af7651916cd43dd8448eb211c80319c", "1af7651916cd43dd8448eb211c80319c"
	for _, traceparent := range []string{"00-" + sampled + "-b7ad6b7169203331-01", "00-" + unsampled + "-b7ad6b7169203331-00"} {
		require.Equal(t, http.StatusOK, g.Do(t, http.MethodGet, "/v1/namespaces/default/workflows", "", "traceparent", traceparent).Status)
	}
	const counted = `flowgate_caller_requests_total{caller="writer",outcome="success"} 2`
	require.Eventually(t, func() bool { return strings.Contains(g.AdminText(t, "/metrics"), counted) }, 10*time.Second, time.Millisecond,
		"requests are recorded after their response")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/metrics", nil)
	require.NoError(t, err)
	request.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	response, err := g.Admin.Do(request)
	require.NoError(t, err)
	text := servertest.ReadResponse(t, response).Body
	require.Regexp(t, `http_server_request_duration_seconds_bucket.* # .*trace_id="`+sampled, text)
	require.Regexp(t, `rpc_client_call_duration_seconds_bucket.*ListWorkflowExecutions.* # .*trace_id="`+sampled, text)
	require.NotContains(t, text, unsampled)
	require.Regexp(t, `flowgate_config_info\{hash="[0-9a-f]{12}"\} 1`, text)
	g.Stop()
	require.NoError(t, <-g.Done)
}
