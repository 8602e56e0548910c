package telemetry_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	otelcodes "go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/flowgate/flowgate/internal/telemetry"
)

const (
	traceID     = "0af7651916cd43dd8448eb211c80319c"
	traceparent = "00-" + traceID + "-b7ad6b7169203331-01"
)

// retainingExporter is an in-memory exporter that keeps its spans after shutdown.
type retainingExporter struct{ *tracetest.InMemoryExporter }

func (retainingExporter) Shutdown(context.Context) error { return nil }

// spansOf runs f with an in-memory exporter and returns the spans in the order in which they ended.
func spansOf(t *testing.T, f func(*telemetry.Tracing)) tracetest.SpanStubs {
	t.Helper()
	exporter := retainingExporter{tracetest.NewInMemoryExporter()}
	tracing, err := telemetry.NewTracingWithExporter(t.Context(), exporter, "v1.2.3")
	require.NoError(t, err)
	f(tracing)
	require.NoError(t, tracing.Shutdown(t.Context()))
	return exporter.GetSpans()
}

// attributesOf returns the attributes of a span as strings.
func attributesOf(span tracetest.SpanStub) map[string]string {
	attributes := make(map[string]string)
	for _, attribute := range span.Attributes {
		attributes[string(attribute.Key)] = attribute.Value.String()
	}
	return attributes
}

// tracedHeader returns the headers of a request with a trace context. "marker" is text that no span may contain.
func tracedHeader() http.Header {
	return http.Header{
		"Traceparent": {traceparent}, "Tracestate": {"vendor=1"}, "Baggage": {"user=marker"}, "Authorization": {"marker"},
	}
}

func TestSpansOfARequest(t *testing.T) {
	t.Parallel()
	md := metadata.MD{}
	spans := spansOf(t, func(tracing *telemetry.Tracing) {
		ctx, end := tracing.StartServer(t.Context(), tracedHeader(), "POST", "/v1/namespaces/{namespace}/workflows")
		require.Equal(t, traceID, telemetry.TraceID(ctx))
		call, endCall := tracing.StartClient(ctx, "StartWorkflowExecution")
		tracing.Inject(call, md)
		endCall(codes.Unavailable)
		end(503)
	})
	require.Len(t, spans, 2)
	client, server := spans[0], spans[1]

	require.Equal(t, "POST /v1/namespaces/{namespace}/workflows", server.Name)
	require.Equal(t, trace.SpanKindServer, server.SpanKind)
	require.Equal(t, "b7ad6b7169203331", server.Parent.SpanID().String())
	require.Equal(t, otelcodes.Error, server.Status.Code)
	require.Equal(t, map[string]string{
		"http.request.method": "POST", "http.route": "/v1/namespaces/{namespace}/workflows",
		"http.response.status_code": "503", "error.type": "503",
	}, attributesOf(server))

	require.Equal(t, "StartWorkflowExecution", client.Name)
	require.Equal(t, trace.SpanKindClient, client.SpanKind)
	require.Equal(t, server.SpanContext.SpanID(), client.Parent.SpanID())
	require.Equal(t, map[string]string{
		"rpc.system.name": "grpc", "rpc.method": "StartWorkflowExecution",
		"rpc.response.status_code": "UNAVAILABLE", "error.type": "UNAVAILABLE",
	}, attributesOf(client))
	require.Contains(t, server.Resource.String(), "service.name=flowgate,service.version=v1.2.3")

	require.Equal(t, metadata.MD{
		"traceparent": {fmt.Sprintf("00-%s-%s-01", traceID, client.SpanContext.SpanID())},
		"tracestate":  {"vendor=1"},
	}, md)
	require.NotContains(t, fmt.Sprintf("%+v", spans), "marker")
}

func TestSuccessfulSpansHaveNoErrorStatus(t *testing.T) {
	t.Parallel()
	spans := spansOf(t, func(tracing *telemetry.Tracing) {
		ctx, end := tracing.StartServer(t.Context(), nil, "BREW", "") // not a method of HTTP, and no route
		_, endCall := tracing.StartClient(ctx, "GetSystemInfo")
		endCall(codes.OK)
		end(404)
	})
	require.Equal(t, otelcodes.Unset, spans[0].Status.Code)
	require.Equal(t, otelcodes.Unset, spans[1].Status.Code)
	require.Equal(t, "HTTP", spans[1].Name)
	require.Equal(t, map[string]string{"http.request.method": "_OTHER", "http.response.status_code": "404"}, attributesOf(spans[1]))
}

func TestInvalidTraceContextIsNotContinued(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]http.Header{
		"not authenticated": nil, // then the gateway passes no header
		"absent":            {},
		"malformed":         {"Traceparent": {"00-xyz"}},
		"zero":              {"Traceparent": {"00-00000000000000000000000000000000-b7ad6b7169203331-01"}},
		"twice":             {"Traceparent": {traceparent, traceparent}, "Tracestate": {"vendor=1"}},
		"baggage alone":     {"Baggage": {"a=b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spans := spansOf(t, func(tracing *telemetry.Tracing) {
				_, end := tracing.StartServer(t.Context(), header, "GET", "/v1/system-info")
				end(200)
			})
			require.Len(t, spans, 1)
			require.False(t, spans[0].Parent.IsValid())
			require.Zero(t, spans[0].SpanContext.TraceState().Len())
			require.Empty(t, telemetry.TraceContext(t.Context(), header))
		})
	}
}

func TestTracestateLinesAreOneList(t *testing.T) {
	t.Parallel()
	for want, lines := range map[string][]string{
		"a=1,b=2,c=3": {"a=1", "b=2,c=3"},
		"b=2,a=1":     {"", "b=2", "a=1", ""},
		"":            {"a=1", "=,=,"}, // an invalid tracestate is ignored; the traceparent is still used
		`a="1,b=2"`:   {`a="1,b=2"`},   // two list members, because W3C Trace Context has no quoted strings
	} {
		header := tracedHeader()
		header["Tracestate"] = lines
		spans := spansOf(t, func(tracing *telemetry.Tracing) {
			_, end := tracing.StartServer(t.Context(), header, "GET", "/v1/system-info")
			end(200)
		})
		require.Equal(t, traceID, spans[0].SpanContext.TraceID().String())
		require.Equal(t, want, spans[0].SpanContext.TraceState().String())
		carried := telemetry.TraceContext(t.Context(), header)
		require.Equal(t, []string{traceparent, want}, []string{carried["traceparent"], carried["tracestate"]})
	}
}

func TestTracingOff(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]map[string]string{
		"unset":    {},
		"none":     {"OTEL_TRACES_EXPORTER": "none"},
		"disabled": {"OTEL_SDK_DISABLED": "TRUE", "OTEL_TRACES_EXPORTER": "otlp"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tracing, err := telemetry.NewTracing(t.Context(), getenv(env), "v1")
			require.NoError(t, err)
			requireOff(t, tracing)
		})
	}
	requireOff(t, nil)
}

func requireOff(t *testing.T, tracing *telemetry.Tracing) {
	t.Helper()
	md, ctx := metadata.MD{}, t.Context()
	spanCtx, end := tracing.StartServer(ctx, tracedHeader(), "GET", "/v1/system-info")
	require.Equal(t, ctx, spanCtx)
	callCtx, endCall := tracing.StartClient(spanCtx, "GetSystemInfo")
	tracing.Inject(callCtx, md)
	endCall(codes.OK)
	end(200)
	require.Empty(t, telemetry.TraceID(callCtx))
	require.Empty(t, md)
	require.NoError(t, tracing.Shutdown(ctx))
}

func TestUnsupportedEnvironmentVariablesAreErrors(t *testing.T) {
	t.Parallel()
	for want, env := range map[string]map[string]string{
		`OTEL_TRACES_EXPORTER: "console"`:            {"OTEL_TRACES_EXPORTER": "console"},
		`OTEL_EXPORTER_OTLP_PROTOCOL: "http/json"`:   {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"},
		`OTEL_EXPORTER_OTLP_PROTOCOL: "http/thrift"`: {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/thrift"},
	} {
		_, err := telemetry.NewTracing(t.Context(), getenv(env), "v1")
		require.ErrorContains(t, err, want)
	}
}

// Not parallel: the exporter and the resource read the process environment.
func TestOTLPOverHTTP(t *testing.T) {
	var posts atomic.Int32
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/traces" && r.Header.Get("Content-Type") == "application/x-protobuf" {
			posts.Add(1)
		}
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	tracing, err := telemetry.NewTracing(t.Context(), getenv(map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}), "v1")
	require.NoError(t, err)
	_, end := tracing.StartServer(t.Context(), nil, "GET", "/v1/system-info")
	end(200)
	require.NoError(t, tracing.Shutdown(t.Context()))
	require.EqualValues(t, 1, posts.Load())
}

// Not parallel: the exporter reads the process environment. Nothing listens on the endpoint, but NewTracing and
// Shutdown must not fail.
func TestOTLPOverGRPC(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	tracing, err := telemetry.NewTracing(t.Context(), getenv(map[string]string{
		"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
	}), "v1")
	require.NoError(t, err)
	require.NoError(t, tracing.Shutdown(t.Context()))
}

// Not parallel: the sampler and the resource read the process environment.
func TestEnvironmentSetsServiceNameAndSampler(t *testing.T) {
	t.Setenv("OTEL_SERVICE_NAME", "edge")
	spans := spansOf(t, func(tracing *telemetry.Tracing) {
		_, end := tracing.StartServer(context.Background(), nil, "GET", "")
		end(200)
	})
	require.Contains(t, spans[0].Resource.String(), "service.name=edge")

	t.Setenv("OTEL_TRACES_SAMPLER", "always_off")
	require.Empty(t, spansOf(t, func(tracing *telemetry.Tracing) {
		_, end := tracing.StartServer(context.Background(), tracedHeader(), "GET", "")
		end(200)
	}))
}

func getenv(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

var _ sdktrace.SpanExporter = retainingExporter{}

func BenchmarkTracingOff(b *testing.B) {
	var tracing *telemetry.Tracing
	b.ReportAllocs()
	for b.Loop() {
		ctx, end := tracing.StartServer(b.Context(), nil, "GET", "/v1/system-info")
		_, endCall := tracing.StartClient(ctx, "GetSystemInfo")
		endCall(codes.OK)
		end(200)
	}
}
