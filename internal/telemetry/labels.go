package telemetry

import (
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"google.golang.org/grpc/codes"
)

// The label values for everything outside the fixed sets.
const (
	other     = "_OTHER"
	unmatched = "unmatched"
)

// requestKey contains the label values of an HTTP request.
type requestKey struct {
	method string
	route  string
	status int
}

// newRequestKey maps values that a caller chooses freely to a fixed set of labels.
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

// knownMethod returns the method, or _OTHER if neither RFC 9110 nor RFC 5789 defines it.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return method
	default:
		return other
	}
}

// rpcKey contains the label values of an upstream call.
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

// fetchKey contains the label values of a fetch of an issuer's keys.
type fetchKey struct{ issuer, outcome string }

func (k fetchKey) attributes() []attribute.KeyValue {
	return []attribute.KeyValue{attribute.String("issuer", k.issuer), attribute.String("outcome", k.outcome)}
}
