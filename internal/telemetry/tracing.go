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
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

// maxShutdown is the maximum time to export the last spans at shutdown.
const maxShutdown = 5 * time.Second

// Tracing creates spans. A nil *Tracing and the zero value create none. The only propagation format is W3C Trace
// Context.
type Tracing struct {
	tracer   trace.Tracer // nil when off
	provider *sdktrace.TracerProvider
	w3c      propagation.TraceContext

	server, client []trace.SpanStartOption // the span kinds, allocated once
}

// NewTracing configures tracing from OpenTelemetry's environment variables. Tracing is off unless OTEL_TRACES_EXPORTER
// is otlp, and also if OTEL_SDK_DISABLED is true. These two and the protocol are read with getenv; the exporter, the
// sampler and the resource read the other OTEL_ variables from the process environment. The default service name is
// flowgate. An unsupported value is an error.
func NewTracing(ctx context.Context, getenv func(string) string, version string) (*Tracing, error) {
	if sdkDisabled(getenv) {
		return &Tracing{}, nil
	}
	switch exporter := getenv("OTEL_TRACES_EXPORTER"); exporter {
	case "", exporterNone:
		return &Tracing{}, nil
	case "otlp":
	default:
		return nil, fmt.Errorf("OTEL_TRACES_EXPORTER: %q is not supported; use otlp or none", exporter)
	}
	exporter, err := newExporter(ctx, getenv)
	if err != nil {
		return nil, err
	}
	return NewTracingWithExporter(ctx, exporter, version)
}

func newExporter(ctx context.Context, getenv func(string) string) (sdktrace.SpanExporter, error) {
	protocol, err := otlpProtocol(getenv, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
	if err != nil {
		return nil, err
	}
	if protocol == protocolGRPC {
		return otlptracegrpc.New(ctx)
	}
	return otlptracehttp.New(ctx)
}

// NewTracingWithExporter returns Tracing that sends spans to exporter in batches.
func NewTracingWithExporter(ctx context.Context, exporter sdktrace.SpanExporter, version string) (*Tracing, error) {
	res, err := newResource(ctx, version)
	if err != nil {
		return nil, err
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(res))
	kind := func(kind trace.SpanKind) []trace.SpanStartOption {
		return []trace.SpanStartOption{trace.WithSpanKind(kind)}
	}
	return &Tracing{
		tracer: provider.Tracer(scope), provider: provider,
		server: kind(trace.SpanKindServer), client: kind(trace.SpanKindClient),
	}, nil
}

// Shutdown exports the remaining spans, for at most five seconds.
func (t *Tracing) Shutdown(ctx context.Context) error {
	if t.off() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, maxShutdown)
	defer cancel()
	return t.provider.Shutdown(ctx)
}

// TraceID returns the trace id in ctx, empty if there is none.
func TraceID(ctx context.Context) string {
	span := trace.SpanContextFromContext(ctx)
	if !span.HasTraceID() {
		return ""
	}
	return span.TraceID().String()
}

func (t *Tracing) off() bool { return t == nil || t.tracer == nil }

// StartServer starts the span of an HTTP request with its method and route template (empty if no route matched). Pass
// header only if the caller is authenticated: the span then continues the caller's trace, with its sampling decision.
// The returned function ends the span with the status of the response; call it exactly once.
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
	if !span.IsRecording() { // the sampler does not read attributes, so only recorded spans need them
		return ctx, func(int) {}
	}
	describeRequest(span, method, route)
	return ctx, func(status int) { endServerSpan(span, status) }
}

// StartClient starts the span of one attempt of an upstream call. The returned function ends the span with the gRPC
// code of the attempt; call it exactly once. If the request's span is not sampled, StartClient starts no span: the
// sampler would not sample it either, and the call can propagate the id of the request's span.
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
	return ctx, func(code codes.Code) { endClientSpan(span, code) }
}

// Inject writes the traceparent and the tracestate of ctx into md.
func (t *Tracing) Inject(ctx context.Context, md metadata.MD) {
	if !t.off() {
		t.w3c.Inject(ctx, carrier(md))
	}
}

// TraceContext returns the traceparent and, if present, the tracestate of a request, so that code that runs later can
// continue the trace. It returns nil if the request has no trace context and is not sampled here. Pass header only if
// the caller is authenticated; if tracing is off, the trace context comes from header.
func TraceContext(ctx context.Context, header http.Header) map[string]string {
	span := trace.SpanContextFromContext(ctx)
	switch {
	case !hasTrace(header) && !span.IsSampled():
		return nil
	case !span.IsValid():
		ctx = withCallerTrace(ctx, header)
	}
	headers := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, headers)
	return headers
}

// hasTrace reports whether a request has exactly one traceparent. If there are several, all are ignored.
func hasTrace(header http.Header) bool { return len(header["Traceparent"]) == 1 }

// withCallerTrace returns a context that continues the trace in header. Several tracestate header lines form one
// list (W3C Trace Context section 3.3).
func withCallerTrace(ctx context.Context, header http.Header) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{
		"traceparent": header.Get("Traceparent"), "tracestate": strings.Join(header["Tracestate"], ","),
	})
}
