package telemetry_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/otlptranslator"
	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/telemetry"
)

// receiver is an HTTP server that decodes exported metrics.
type receiver struct {
	mu      sync.Mutex
	metrics map[string]*metrics.Metric // by name
	service string
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	export := &collector.ExportMetricsServiceRequest{}
	if err != nil || request.URL.Path != "/v1/metrics" || proto.Unmarshal(body, export) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, resource := range export.GetResourceMetrics() {
		for _, attribute := range resource.GetResource().GetAttributes() {
			if attribute.GetKey() == "service.name" {
				r.service = attribute.GetValue().GetStringValue()
			}
		}
		for _, scope := range resource.GetScopeMetrics() {
			for _, metric := range scope.GetMetrics() {
				r.metrics[metric.GetName()] = metric
			}
		}
	}
}

// typeNames returns the names of the metrics in a text in the Prometheus format.
func typeNames(text string) []string {
	var names []string
	for _, match := range regexp.MustCompile(`(?m)^# TYPE (\S+) `).FindAllStringSubmatch(text, -1) {
		names = append(names, match[1])
	}
	return names
}

// names returns the names that Prometheus gives to the received metrics.
func (r *receiver) names(t *testing.T) []string {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	namer := otlptranslator.NewMetricNamer("", otlptranslator.UnderscoreEscapingWithSuffixes)
	var names []string
	for _, metric := range r.metrics {
		name, err := namer.Build(otlptranslator.Metric{Name: metric.GetName(), Unit: metric.GetUnit(), Type: translatedType(metric)})
		require.NoError(t, err)
		names = append(names, name)
	}
	return names
}

func translatedType(metric *metrics.Metric) otlptranslator.MetricType {
	switch {
	case metric.GetSum().GetIsMonotonic():
		return otlptranslator.MetricTypeMonotonicCounter
	case metric.GetHistogram() != nil:
		return otlptranslator.MetricTypeHistogram
	case metric.GetSummary() != nil:
		return otlptranslator.MetricTypeSummary
	default:
		return otlptranslator.MetricTypeGauge
	}
}

// Not parallel: the exporter and the resource read the process environment.
func TestMetricsOverOTLPHaveTheNamesOfPrometheus(t *testing.T) {
	r := &receiver{metrics: map[string]*metrics.Metric{}}
	server := httptest.NewServer(r)
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	readers, err := telemetry.NewMetricReaders(t.Context(), getenv(map[string]string{"OTEL_METRICS_EXPORTER": "prometheus,otlp"}))
	require.NoError(t, err)
	m, err := telemetry.NewMetrics("v1.2.3", readers...)
	require.NoError(t, err)
	m.LimitCallers(1)
	m.SetConfiguration("c0ffee")
	recordEverything(t, m)
	scraped := typeNames(scrape(t, m))
	require.NoError(t, m.Shutdown(t.Context()))

	require.ElementsMatch(t, scraped, r.names(t))
	require.Equal(t, "flowgate", r.service)
	points := r.metrics["flowgate.keys.reloads"].GetSum().GetDataPoints()
	require.Len(t, points, 2)
	require.Contains(t, r.names(t), "go_goroutines")
	require.Contains(t, r.names(t), "flowgate_build_info")
}

// Not parallel: the reader reads the process environment.
func TestIntervalOfTheExportIsConfigurable(t *testing.T) {
	r := &receiver{metrics: map[string]*metrics.Metric{}}
	server := httptest.NewServer(r)
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", server.URL+"/v1/metrics")
	t.Setenv("OTEL_METRIC_EXPORT_INTERVAL", "10")
	readers, err := telemetry.NewMetricReaders(t.Context(), getenv(map[string]string{"OTEL_METRICS_EXPORTER": "otlp"}))
	require.NoError(t, err)
	m, err := telemetry.NewMetrics("v1.2.3", readers...)
	require.NoError(t, err)
	m.ObserveFile("keys", func() bool { return false }) // may be added while an export runs
	require.Eventually(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.metrics["flowgate.file.in_force"] != nil
	}, 30*time.Second, time.Millisecond)
	require.NoError(t, m.Shutdown(t.Context()))
}

// Not parallel: the exporter reads the process environment. Nothing listens on the endpoint, which must not prevent the
// start.
func TestMetricsOverGRPC(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	readers, err := telemetry.NewMetricReaders(t.Context(), getenv(map[string]string{
		"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "grpc",
	}))
	require.NoError(t, err)
	require.Len(t, readers, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // do not wait for the last export
	_ = readers[0].Shutdown(ctx)
}

func TestExportersOfMetricsAndLogs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		env  map[string]string
		want string // the error; empty if metrics are not exported
	}{
		"unset":           {nil, ""},
		"none":            {map[string]string{"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}, ""},
		"prometheus":      {map[string]string{"OTEL_METRICS_EXPORTER": "prometheus"}, ""},
		"disabled":        {map[string]string{"OTEL_SDK_DISABLED": "true", "OTEL_METRICS_EXPORTER": "otlp", "OTEL_LOGS_EXPORTER": "otlp"}, ""},
		"unknown":         {map[string]string{"OTEL_METRICS_EXPORTER": "statsd"}, `OTEL_METRICS_EXPORTER: "statsd"`},
		"unknown in list": {map[string]string{"OTEL_METRICS_EXPORTER": "otlp, console"}, `OTEL_METRICS_EXPORTER: "console"`},
		"logs":            {map[string]string{"OTEL_LOGS_EXPORTER": "otlp"}, `OTEL_LOGS_EXPORTER: "otlp"`},
		"protocol": {
			map[string]string{"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "http/json"},
			`OTEL_EXPORTER_OTLP_PROTOCOL: "http/json"`,
		},
	} {
		readers, err := telemetry.NewMetricReaders(t.Context(), getenv(test.env))
		require.Empty(t, readers, name)
		if test.want == "" {
			require.NoError(t, err, name)
		} else {
			require.ErrorContains(t, err, test.want, name)
		}
	}
}
