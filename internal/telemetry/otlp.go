package telemetry

import (
	"context"
	"fmt"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	bridge "go.opentelemetry.io/contrib/bridges/prometheus"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// NewMetricReaders returns the readers that export metrics besides the handler of [Metrics]: one that sends them by OTLP
// if OTEL_METRICS_EXPORTER contains otlp, else none. Pass them to [NewMetrics]. OTEL_METRICS_EXPORTER, OTEL_SDK_DISABLED,
// OTEL_LOGS_EXPORTER and the protocol are read with getenv; the exporter and the reader read the other OTEL_ variables,
// such as OTEL_METRIC_EXPORT_INTERVAL, from the process environment. An unsupported value is an error, also of
// OTEL_LOGS_EXPORTER: the gateway does not export its log.
func NewMetricReaders(ctx context.Context, getenv func(string) string) ([]sdkmetric.Reader, error) {
	if sdkDisabled(getenv) {
		return nil, nil
	}
	if value := getenv("OTEL_LOGS_EXPORTER"); value != "" && value != exporterNone {
		return nil, fmt.Errorf("OTEL_LOGS_EXPORTER: %q is not supported; use none and collect the log from standard error", value)
	}
	otlp := false
	for name := range strings.SplitSeq(getenv("OTEL_METRICS_EXPORTER"), ",") {
		switch name = strings.TrimSpace(name); name {
		case "", exporterNone, "prometheus": // the admin listener always serves /metrics
		case "otlp":
			otlp = true
		default:
			return nil, fmt.Errorf("OTEL_METRICS_EXPORTER: %q is not supported; use otlp, prometheus or none", name)
		}
	}
	if !otlp {
		return nil, nil
	}
	exporter, err := newMetricExporter(ctx, getenv)
	if err != nil {
		return nil, err
	}
	runtime := prometheus.NewRegistry()
	if err := registerRuntime(runtime); err != nil {
		return nil, err
	}
	producer := bridge.NewMetricProducer(bridge.WithGatherer(runtime))
	return []sdkmetric.Reader{sdkmetric.NewPeriodicReader(exporter, sdkmetric.WithProducer(producer))}, nil
}

func newMetricExporter(ctx context.Context, getenv func(string) string) (sdkmetric.Exporter, error) {
	protocol, err := otlpProtocol(getenv, "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL")
	if err != nil {
		return nil, err
	}
	if protocol == protocolGRPC {
		return otlpmetricgrpc.New(ctx)
	}
	return otlpmetrichttp.New(ctx)
}

// registerRuntime adds the metrics of the Go runtime and of the process to a registry.
func registerRuntime(registry *prometheus.Registry) error {
	for _, collector := range []prometheus.Collector{
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := registry.Register(collector); err != nil {
			return err
		}
	}
	return nil
}

// exporterNone is the value of the variables that select exporters to export nothing.
const exporterNone = "none"

// The protocols of OTLP that the gateway supports.
const (
	protocolHTTP = "http/protobuf"
	protocolGRPC = "grpc"
)

// otlpProtocol returns the protocol of an exporter: the value of the given variable, or of OTEL_EXPORTER_OTLP_PROTOCOL,
// or the default of the specification.
func otlpProtocol(getenv func(string) string, variable string) (string, error) {
	protocol := protocolHTTP
	for _, name := range []string{"OTEL_EXPORTER_OTLP_PROTOCOL", variable} {
		if value := getenv(name); value != "" {
			protocol = value
		}
	}
	if protocol != protocolHTTP && protocol != protocolGRPC {
		return "", fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL: %q is not supported; use grpc or http/protobuf", protocol)
	}
	return protocol, nil
}

func sdkDisabled(getenv func(string) string) bool {
	return strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true")
}

// newResource returns the resource of spans and metrics. OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES take precedence
// over the defaults.
func newResource(ctx context.Context, version string) (*resource.Resource, error) {
	res, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(semconv.ServiceName("flowgate"), semconv.ServiceVersion(version)),
		resource.WithFromEnv(),
	)
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return res, nil
}
