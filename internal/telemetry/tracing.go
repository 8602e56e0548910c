package telemetry

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

// maxShutdown bounds how long the last spans may take to leave.
const maxShutdown = 5 * time.Second

// Tracing makes spans, or none: the zero value and a nil *Tracing are off and cost nothing. It speaks W3C Trace Context
// only.
type Tracing struct {
	tracer   trace.Tracer // nil when off
	provider *sdktrace.TracerProvider
	w3c      propagation.TraceContext

	server, client []trace.SpanStartOption // their kinds, made once
}

// NewTracing sets tracing up as OpenTelemetry's environment variables say. It is off unless OTEL_TRACES_EXPORTER is
// otlp, and when OTEL_SDK_DISABLED is true. getenv decides on that and on the protocol; the exporter, the sampler and
// the resource read the other OTEL_ variables from the process's environment themselves. The service's name is flowgate
// unless they say otherwise. A setting that is not supported is an error.
func NewTracing(ctx context.Context, getenv func(string) string, version string) (*Tracing, error) {
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") {
		return &Tracing{}, nil
	}
	switch exporter := getenv("OTEL_TRACES_EXPORTER"); exporter {
	case "", "none":
		return &Tracing{}, nil
	case "otlp":
	default:
		return nil, fmt.Errorf("OTEL_TRACES_EXPORTER: %q is not supported; use otlp or none", exporter)
	}
	exporter, err := newExporter(ctx, getenv)
	if err != nil {
		return nil, err
	}
	return NewTracingTo(ctx, exporter, version)
}

// newExporter follows OTEL_EXPORTER_OTLP_TRACES_PROTOCOL, then OTEL_EXPORTER_OTLP_PROTOCOL, then the specification's
// default.
func newExporter(ctx context.Context, getenv func(string) string) (sdktrace.SpanExporter, error) {
	protocol := "http/protobuf"
	for _, name := range []string{"OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"} {
		if value := getenv(name); value != "" {
			protocol = value
		}
	}
	switch protocol {
	case "http/protobuf":
		return otlptracehttp.New(ctx)
	case "grpc":
		return otlptracegrpc.New(ctx)
	default:
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL: %q is not supported; use grpc or http/protobuf", protocol)
	}
}

// NewTracingTo sends spans to exporter, in batches.
func NewTracingTo(ctx context.Context, exporter sdktrace.SpanExporter, version string) (*Tracing, error) {
	described, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(semconv.ServiceName("flowgate"), semconv.ServiceVersion(version)),
		resource.WithFromEnv(),
	)
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(described))
	kind := func(kind trace.SpanKind) []trace.SpanStartOption {
		return []trace.SpanStartOption{trace.WithSpanKind(kind)}
	}
	return &Tracing{
		tracer: provider.Tracer(scope), provider: provider,
		server: kind(trace.SpanKindServer), client: kind(trace.SpanKindClient),
	}, nil
}

// Shutdown sends the spans that are left, for at most five seconds.
func (t *Tracing) Shutdown(ctx context.Context) error {
	if t.off() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, maxShutdown)
	defer cancel()
	return t.provider.Shutdown(ctx)
}

// TraceID returns the id of the trace that ctx belongs to, or nothing.
func TraceID(ctx context.Context) string {
	span := trace.SpanContextFromContext(ctx)
	if !span.HasTraceID() {
		return ""
	}
	return span.TraceID().String()
}

func (t *Tracing) off() bool { return t == nil || t.tracer == nil }

// StartServer starts the span of an HTTP request: its method and its route's template (empty when nothing matched).
// Give header only when the caller is authenticated: its traceparent is then continued, and its sampling with it. The
// function that is returned ends the span with the status that was sent; call it exactly once.
func (t *Tracing) StartServer(
	ctx context.Context, header http.Header, method, route string,
) (context.Context, func(status int)) {
	if t.off() {
		return ctx, func(int) {}
	}
	if hasTrace(header) {
		ctx = withCallerTrace(ctx, header)
	}
	ctx, span := t.tracer.Start(ctx, method, t.server...)
	if !span.IsRecording() { // the samplers that there are look at the trace alone, so the rest can wait until here
		return ctx, func(int) {}
	}
	describeRequest(span, method, route)
	return ctx, func(status int) { endServer(span, status) }
}

// StartClient starts the span of one attempt of an upstream call. The function that is returned ends it with the
// attempt's outcome; call it exactly once. Below a request that is not sampled there is no span: no sampler would take
// it, and the request's own id is as good to propagate.
func (t *Tracing) StartClient(ctx context.Context, rpc string) (context.Context, func(codes.Code)) {
	if t.off() {
		return ctx, func(codes.Code) {}
	}
	if parent := trace.SpanContextFromContext(ctx); parent.IsValid() && !parent.IsSampled() {
		return ctx, func(codes.Code) {}
	}
	ctx, span := t.tracer.Start(ctx, rpc, t.client...)
	if !span.IsRecording() {
		return ctx, func(codes.Code) {}
	}
	span.SetAttributes(semconv.RPCSystemNameGRPC, semconv.RPCMethod(rpc))
	return ctx, func(code codes.Code) { endClient(span, code) }
}

// Inject writes the traceparent and the tracestate of ctx into md.
func (t *Tracing) Inject(ctx context.Context, md metadata.MD) {
	if !t.off() {
		t.w3c.Inject(ctx, carrier(md))
	}
}

// TraceContext gives what lets code that runs later go on with the trace of a request: its traceparent, and its
// tracestate if any. It is empty for a request that nobody traces, which is one that neither came with a trace nor is
// sampled here. Give header only when the caller is authenticated; it tells of the caller's trace while tracing is off.
func TraceContext(ctx context.Context, header http.Header) map[string]string {
	span := trace.SpanContextFromContext(ctx)
	switch {
	case !hasTrace(header) && !span.IsSampled():
		return nil
	case !span.IsValid():
		ctx = withCallerTrace(ctx, header)
	}
	found := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, found)
	return found
}

// hasTrace tells whether a request came with a trace. Two are none: nobody knows which is meant.
func hasTrace(header http.Header) bool { return len(header["Traceparent"]) == 1 }

// withCallerTrace continues the trace that a request came with. Its tracestate is one list, in however many lines it comes
// (W3C Trace Context section 3.3).
func withCallerTrace(ctx context.Context, header http.Header) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{
		"traceparent": header.Get("Traceparent"), "tracestate": strings.Join(header["Tracestate"], ","),
	})
}
