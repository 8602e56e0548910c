package telemetry

import (
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"google.golang.org/grpc/codes"
)

// Label values that replace a method outside the fixed set, and the route of a request that matched none.
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

// newRequestKey maps values that a caller can choose freely to a fixed set of label values.
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

// jwksFetchKey contains the label values of a fetch of an issuer's keys.
type jwksFetchKey struct{ issuer, outcome string }

func (k jwksFetchKey) attributes() []attribute.KeyValue {
	return []attribute.KeyValue{attribute.String("issuer", k.issuer), attribute.String("outcome", k.outcome)}
}
