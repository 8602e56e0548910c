package telemetry

import (
	"net/http"
	"strconv"

	otelcodes "go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

// describeRequest sets the name and the attributes of a request's span as in the semantic conventions. It uses no text
// that the caller chose.
func describeRequest(span trace.Span, method, route string) {
	method = knownMethod(method)
	span.SetAttributes(semconv.HTTPRequestMethodKey.String(method))
	if method == other {
		method = "HTTP"
	}
	if route != "" {
		span.SetAttributes(semconv.HTTPRoute(route))
		method += " " + route
	}
	span.SetName(method)
}

func endServerSpan(span trace.Span, status int) {
	span.SetAttributes(semconv.HTTPResponseStatusCode(status))
	if status >= http.StatusInternalServerError {
		markFailed(span, strconv.Itoa(status))
	}
	span.End()
}

func endClientSpan(span trace.Span, code codes.Code) {
	span.SetAttributes(semconv.RPCResponseStatusCode(CodeName(code)))
	if code != codes.OK {
		markFailed(span, CodeName(code))
	}
	span.End()
}

// markFailed marks the span as failed with a code. It omits the message of the error, which may quote content of the
// call.
func markFailed(span trace.Span, kind string) {
	span.SetAttributes(semconv.ErrorTypeKey.String(kind))
	span.SetStatus(otelcodes.Error, "")
}

// carrier is gRPC metadata as a propagation.TextMapCarrier.
type carrier metadata.MD

// Get returns the first value of key.
func (c carrier) Get(key string) string {
	if values := metadata.MD(c).Get(key); len(values) > 0 {
		return values[0]
	}
	return ""
}

// Set replaces the values of key.
func (c carrier) Set(key, value string) { metadata.MD(c).Set(key, value) }

// Keys returns the keys.
func (c carrier) Keys() []string {
	keys := make([]string, 0, len(c))
	for key := range c {
		keys = append(keys, key)
	}
	return keys
}
