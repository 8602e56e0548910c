package temporalhttp_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/auth"
)

// difference is an intended difference between the door and Temporal's own HTTP API.
type difference struct {
	// here describes what the door does, and why gives the reason. They are the
	// columns of a table in docs/temporal-http-api.md.
	here, why string
	// reconcile reports whether a pair has the difference, and removes it by making
	// the two results equal. It is nil for differences that the oracle cannot
	// observe, such as those in credentials. dev/e2e/temporalhttp tests these with a
	// real server.
	reconcile func(*pair) bool
}

// differences returns all known differences, in the order of the document.
// [pair.reconcile] removes them from a pair in this order.
func differences() []difference {
	return append(append(append(routingDifferences(), inputDifferences()...), payloadDifferences()...), errorDifferences()...)
}

// routingDifferences returns the differences in paths, methods and authorisation.
func routingDifferences() []difference {
	return []difference{
		{
			"Ids with a slash reach the RPC",
			"Temporal treats an encoded slash as a segment separator and finds no route.",
			reconcileSlashInID,
		},
		{
			"An empty segment is not an id",
			"Temporal calls the RPC with an empty id, which the RPC rejects.",
			func(p *pair) bool {
				return p.anyPathValue(func(_, value string) bool { return value == "" }) &&
					(p.reconcileRejection(http.StatusNotFound, codes.NotFound) || p.reconcileRejection(http.StatusMethodNotAllowed, codes.Unimplemented))
			},
		},
		{
			"A method that the path does not support is 405",
			"Temporal returns 501, which suggests a future feature, and does not list the supported methods.",
			func(p *pair) bool {
				return p.verb != p.rule.verb && p.temporal.status == http.StatusNotImplemented &&
					p.reconcileRejection(http.StatusMethodNotAllowed, codes.Unimplemented)
			},
		},
		{
			"A form is not a query",
			"Temporal treats a POST of application/x-www-form-urlencoded as a GET of the path.",
			func(p *pair) bool {
				return p.verb == http.MethodPost && p.rule.verb == http.MethodGet &&
					p.header.Get("Content-Type") == "application/x-www-form-urlencoded" &&
					p.reconcileRejection(http.StatusMethodNotAllowed, codes.Unimplemented)
			},
		},
		{"HEAD is treated as GET", "As HTTP specifies. Temporal returns 501.", nil},
		{"OPTIONS is 405", "As for any unsupported method, unless CORS is configured.", nil},
		{"No credential is 401", "The gateway authenticates every request first.", nil},
		{"An invalid credential is 401", "Temporal's authorizer returns 403.", nil},
		{"An insufficient credential is 403", "The gateway enforces the grants of its keys.", nil},
		{"The caller's metadata is dropped unless it is allowed", "Through Temporal's HTTP API, any caller can set any header that the server trusts.", nil},
		{
			"The client's name and version are the gateway's",
			"The server's behaviour depends on the client. Here the client is the gateway.",
			nil,
		},
		{"An invalid gRPC timeout is 400", "Temporal fails the call with 504, as if the deadline had passed.", nil},
		{
			"A namespace that is not ASCII, or longer than 1,000 bytes, is 404",
			"The namespace is also sent as gRPC metadata, which is ASCII only, and the server accepts no longer names.",
			func(p *pair) bool {
				return p.anyPathValue(func(name, value string) bool { return name == "namespace" && (!printable(value) || len(value) > 1000) }) &&
					p.reconcileRejection(http.StatusNotFound, codes.NotFound)
			},
		},
		{
			"A namespace in the body that differs from the path's is 400",
			"Temporal silently uses the path's. Two different namespaces are a mistake of the caller.",
			func(p *pair) bool {
				return p.hasOtherNamespace(true) && p.reconcileRejection(http.StatusBadRequest, codes.InvalidArgument)
			},
		},
		{
			"A nested namespace in the body that differs from the path's is 400",
			"The key's grants apply to every namespace in the request.",
			func(p *pair) bool {
				return p.hasOtherNamespace(false) && p.reconcileRejection(http.StatusBadRequest, codes.InvalidArgument)
			},
		},
		{"A completion callback is 403", "With a callback, the server calls an address that the caller chooses. A key can permit it.", nil},
		{
			"A namespace's id is 400",
			"The key's grants refer to namespaces by name.",
			func(p *pair) bool {
				return p.temporal.request != nil && p.rule.method.Name() == "DescribeNamespace" &&
					textAt(p.temporal.request.ProtoReflect(), "id") != "" && p.reconcileRejection(http.StatusBadRequest, codes.InvalidArgument)
			},
		},
		{
			"A request without its required namespace is 403",
			"Temporal leaves the check to the RPC.",
			func(p *pair) bool {
				_, inPath := p.pathValues["namespace"]
				return !inPath && p.temporal.calls > 0 && textAt(p.temporal.request.ProtoReflect(), "namespace") == "" &&
					p.reconcileRejection(http.StatusForbidden, codes.PermissionDenied)
			},
		},
		{
			"The identity of a call is the key's id",
			"Callers of Temporal's HTTP API can claim any identity.",
			reconcileIdentity,
		},
	}
}

// inputDifferences returns the differences in queries and bodies.
func inputDifferences() []difference {
	return []difference{
		{"A body over 4 MiB is 413", "Temporal returns 400.", nil},
		{"A compressed body is 415", "Temporal parses it as if it were not compressed.", nil},
		{
			"Data after the JSON value is 400",
			"Temporal reads the first value and ignores the rest.",
			func(p *pair) bool {
				decoder := json.NewDecoder(strings.NewReader(p.body))
				var first, second json.RawMessage
				return decoder.Decode(&first) == nil && !errors.Is(decoder.Decode(&second), io.EOF) &&
					p.reconcileRejection(http.StatusBadRequest, codes.InvalidArgument)
			},
		},
		{
			"A duplicate name in an object of a value is 400",
			"Temporal uses the last.",
			func(p *pair) bool {
				return jsontext.Value(p.body).IsValid(jsontext.AllowDuplicateNames(true)) && !jsontext.Value(p.body).IsValid() &&
					p.reconcileRejection(http.StatusBadRequest, codes.InvalidArgument)
			},
		},
		{
			"A number in a string must be the whole string",
			"Temporal ignores what follows a comma, a colon, a bracket or white space in it.",
			func(p *pair) bool {
				return numberWithSuffix.MatchString(p.body) && p.reconcileRejection(http.StatusBadRequest, codes.InvalidArgument)
			},
		},
		{
			"Text that is not valid UTF-8 is 400",
			"A protobuf string cannot contain it.",
			func(p *pair) bool {
				return !utf8.ValidString(p.decodedTarget()) && p.reconcileRejection(http.StatusBadRequest, codes.InvalidArgument)
			},
		},
		{
			"A malformed query string is 400",
			"Temporal ignores the query string if the body is the message, or if the message has no fields.",
			func(p *pair) bool {
				_, query, _ := strings.Cut(p.target, "?")
				_, err := url.ParseQuery(query)
				return err != nil && p.reconcileRejection(http.StatusBadRequest, codes.InvalidArgument)
			},
		},
		{
			"A query parameter in both spellings is 400",
			"Temporal uses one of the two, and not always the same one.",
			func(p *pair) bool {
				return strings.Contains(string(p.door.body), "must be given once") && p.hasFieldTwice() &&
					p.reconcileRejection(http.StatusBadRequest, codes.InvalidArgument)
			},
		},
		{
			"Query parameters accept the same forms as the body",
			"Temporal accepts fewer: no base64 without padding, no short names of enums, no 1e3.",
			func(p *pair) bool {
				if p.rule.body || p.temporal.status != http.StatusBadRequest || p.temporal.calls > 0 || p.door.calls == 0 ||
					!queryValueError.Match(p.temporal.body) {
					return false
				}
				p.temporal = p.door
				return true
			},
		},
	}
}

// payloadDifferences returns the differences in payloads, in requests and in responses.
func payloadDifferences() []difference {
	return []difference{
		{
			"Values are stored byte for byte",
			"Temporal's HTTP API parses and rewrites each value: large integers are rounded, keys sorted, empty lists become null.",
			reconcileStoredPayloads,
		},
		{
			"A payload in an Any keeps its type",
			"Temporal returns its value without the type.",
			reconcileTypedPayload,
		},
		{
			"Values are returned byte for byte",
			"Temporal also rewrites values in responses, even if the stored bytes are correct.",
			reconcileReturnedPayloads,
		},
		{
			"Data that is marked as JSON and is not valid is returned in the long form",
			"With one such value, Temporal fails the whole response.",
			nil, // covered by reconcileReturnedPayloads
		},
		{
			"Numbers in values can have any size",
			"Temporal rejects numbers that it cannot represent, or loses the rest of the value.",
			func(p *pair) bool {
				if p.door.calls == 0 || !hasNumberBeyondFloat64(p.body) || proto.Equal(p.temporal.request, p.door.request) {
					return false
				}
				p.temporal = p.door
				return true
			},
		},
		{
			"An object with externalPayloads is a payload in the long form",
			"Temporal treats it as a value, because it checks for metadata and data only.",
			func(p *pair) bool {
				return strings.Contains(p.body, "xternal") && strings.Contains(string(p.door.body), "/externalPayloads") &&
					p.reconcileRejection(http.StatusBadRequest, codes.InvalidArgument)
			},
		},
		{
			"A _protoMessageType that is not a string is 400",
			"Temporal rejects it in a list, and treats it as an empty payload elsewhere.",
			func(p *pair) bool {
				return strings.Contains(string(p.door.body), "_protoMessageType must be a string") &&
					p.reconcileRejection(http.StatusBadRequest, codes.InvalidArgument)
			},
		},
	}
}

// errorDifferences returns the differences in errors and in headers.
func errorDifferences() []difference {
	return []difference{
		{
			"An error about the gateway's own credential is 502",
			"Temporal returns 401, as if the caller's credential were invalid.",
			func(p *pair) bool { return p.reconcileFailure(codes.Unauthenticated, http.StatusBadGateway) },
		},
		{
			"An interrupted call is 503, or 504 if it writes",
			"Temporal returns 499, as if the caller had disconnected.",
			func(p *pair) bool {
				if access, _ := auth.AccessOf(p.door.method); access.Role > auth.RoleRead {
					return p.reconcileFailure(codes.Canceled, http.StatusGatewayTimeout)
				}
				return p.reconcileFailure(codes.Canceled, http.StatusServiceUnavailable)
			},
		},
		{
			"The text of internal server errors is the gateway's",
			"The server's text can contain internals that callers must not see. It is in the gateway's log.",
			func(p *pair) bool {
				if p.failure == nil || p.door.calls == 0 || p.door.status < 500 || p.door.code() != p.failure.Code() ||
					p.door.status != runtime.HTTPStatusFromCode(p.failure.Code()) || strings.Contains(string(p.door.body), `"details"`) {
					return false
				}
				p.temporal = p.door
				return true
			},
		},
		{
			"An error with details that cannot be encoded keeps its status",
			"Temporal returns 500 without the original error.",
			func(p *pair) bool {
				if p.failure == nil || !strings.Contains(string(p.temporal.body), "failed to marshal error message") ||
					p.door.status != runtime.HTTPStatusFromCode(p.failure.Code()) || p.door.code() != p.failure.Code() {
					return false
				}
				p.temporal = p.door
				return true
			},
		},
		{
			"An Empty in an Any has no value",
			"The protobuf library encodes it this way.",
			func(p *pair) bool {
				if !emptyValue.Match(p.temporal.body) {
					return false
				}
				p.temporal.body = emptyValue.ReplaceAll(p.temporal.body, []byte("$1"))
				return true
			},
		},
		{
			"The text of errors about malformed requests is the gateway's",
			"It names the field.",
			reconcileErrorText,
		},
		{
			"The content type is application/json",
			"Temporal returns *, which is not a content type.",
			func(p *pair) bool {
				if p.temporal.header.Get("Content-Type") != "*" || p.door.header.Get("Content-Type") != "application/json" {
					return false
				}
				p.temporal.header.Set("Content-Type", "application/json")
				return true
			},
		},
	}
}
