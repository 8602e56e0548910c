package telemetry

import (
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"google.golang.org/grpc/codes"
)

// The labels of what has no name of its own.
const (
	other     = "_OTHER"
	unmatched = "unmatched"
)

// requestKey is what the labels of an HTTP request are made of.
type requestKey struct {
	method string
	route  string
	status int
}

// newRequestKey folds what a caller chooses freely into fixed labels.
func newRequestKey(method, route string, status int) requestKey {
	if route == "" {
		route = unmatched
	}
	if status < 100 || status > 599 {
		status = 0
	}
	return requestKey{knownMethod(method), route, status}
}

func (k requestKey) attributes() []attribute.KeyValue {
	return []attribute.KeyValue{
		semconv.HTTPRequestMethodKey.String(k.method),
		semconv.HTTPRoute(k.route),
		semconv.HTTPResponseStatusCode(k.status),
	}
}

// knownMethod is the method, or _OTHER for one that RFC 9110 and RFC 5789 do not name.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return method
	default:
		return other
	}
}

// rpcKey is what the labels of an upstream call are made of.
type rpcKey struct {
	method string
	code   codes.Code
}

func (k rpcKey) attributes() []attribute.KeyValue {
	return []attribute.KeyValue{
		semconv.RPCMethod(k.method),
		semconv.RPCResponseStatusCode(CodeName(k.code)),
	}
}

// fetchKey is what the labels of an attempt to get an issuer's keys are made of.
type fetchKey struct{ issuer, outcome string }

func (k fetchKey) attributes() []attribute.KeyValue {
	return []attribute.KeyValue{attribute.String("issuer", k.issuer), attribute.String("outcome", k.outcome)}
}
