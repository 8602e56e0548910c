package rpc_test

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
)

// difference is something that the door does otherwise than Temporal's own HTTP
// API, on purpose. Its texts are a row of docs/temporal-http-api.md.
type difference struct {
	here, why string
	// reconcile reports whether the difference is in a pair, and takes it out. A
	// difference without it concerns what the oracle does not have, such as
	// credentials: dev/e2e/temporalhttp shows it against a real server.
	reconcile func(*pair) bool
}

// differences are all that are known, in the order of the document, which is that
// in which they are taken out of a pair.
func differences() []difference {
	return append(append(append(routing(), reading()...), values()...), failing()...)
}

// routing is about paths and methods, and who may call.
func routing() []difference {
	return []difference{
		{
			"Ids with a slash reach the RPC",
			"Temporal takes an encoded slash for a border between segments, and knows no such route.",
			slashInID,
		},
		{
			"An empty segment is no id",
			"Temporal calls the RPC with an empty id, which then complains.",
			func(p *pair) bool {
				return p.anyValue(func(_, value string) bool { return value == "" }) &&
					(p.refuses(http.StatusNotFound, codes.NotFound) || p.refuses(http.StatusMethodNotAllowed, codes.Unimplemented))
			},
		},
		{
			"A method that a path does not have is 405",
			"Temporal says 501, as if it were to come, and does not say which methods there are.",
			func(p *pair) bool {
				return p.verb != p.rule.verb && p.temporal.status == http.StatusNotImplemented &&
					p.refuses(http.StatusMethodNotAllowed, codes.Unimplemented)
			},
		},
		{
			"A form is no query",
			"Temporal takes a POST of application/x-www-form-urlencoded for the GET of the path.",
			func(p *pair) bool {
				return p.verb == http.MethodPost && p.rule.verb == http.MethodGet &&
					p.header.Get("Content-Type") == "application/x-www-form-urlencoded" &&
					p.refuses(http.StatusMethodNotAllowed, codes.Unimplemented)
			},
		},
		{"HEAD is answered as GET", "HTTP says so. Temporal says 501.", nil},
		{"OPTIONS is 405", "As any method that a path does not have, where no origin is allowed.", nil},
		{"No credential is 401", "The gateway asks for one before all else.", nil},
		{"A bad credential is 401", "Temporal's authorizer says 403.", nil},
		{"A credential that may not is 403", "The grants of the key are the gateway's to judge.", nil},
		{"Metadata of the caller's own is dropped", "Through Temporal's HTTP API any caller may set any header that the server believes.", nil},
		{
			"The client's name and version are the gateway's",
			"The server behaves otherwise towards some clients. Who calls it is the gateway.",
			nil,
		},
		{"A timeout that gRPC does not know is 400", "Temporal lets the call fail with 504, as if the time were over.", nil},
		{
			"A namespace that is not ASCII, or longer than 1,000 bytes, is 404",
			"gRPC carries it as metadata too, which takes no other characters, and the server takes no longer names.",
			func(p *pair) bool {
				return p.anyValue(func(name, value string) bool { return name == "namespace" && (!printable(value) || len(value) > 1000) }) &&
					p.refuses(http.StatusNotFound, codes.NotFound)
			},
		},
		{
			"A namespace in the body that is not the path's is 400",
			"Temporal takes the path's in silence. Whoever says two things has made a mistake.",
			func(p *pair) bool {
				return p.strayNamespace(true) && p.refuses(http.StatusBadRequest, codes.InvalidArgument)
			},
		},
		{
			"A namespace within the body that is not the path's is 400",
			"The key's grants are for the namespaces that it names, wherever they are named.",
			func(p *pair) bool {
				return p.strayNamespace(false) && p.refuses(http.StatusBadRequest, codes.InvalidArgument)
			},
		},
		{"A completion callback is 403", "By it the server calls an address of the caller's choice. A key may allow it.", nil},
		{
			"A namespace's id is 400",
			"The key's grants are for namespaces by their names.",
			func(p *pair) bool {
				return p.temporal.request != nil && p.rule.method.Name() == "DescribeNamespace" &&
					textAt(p.temporal.request.ProtoReflect(), "id") != "" && p.refuses(http.StatusBadRequest, codes.InvalidArgument)
			},
		},
		{
			"A request that has to name a namespace and names none is 403",
			"Temporal leaves it to the RPC to complain.",
			func(p *pair) bool {
				_, inPath := p.values["namespace"]
				return !inPath && p.temporal.calls > 0 && textAt(p.temporal.request.ProtoReflect(), "namespace") == "" &&
					p.refuses(http.StatusForbidden, codes.PermissionDenied)
			},
		},
		{
			"The identity of a call is the key's id",
			"Whoever calls Temporal's HTTP API may say that he is anybody.",
			stampedIdentity,
		},
	}
}

// reading is about queries and bodies.
func reading() []difference {
	return []difference{
		{"A body over 4 MiB is 413", "Temporal says 400.", nil},
		{"A compressed body is 415", "Temporal reads it as if it were not compressed.", nil},
		{
			"A body ends with its value",
			"Temporal takes the first value, and leaves what is behind it.",
			func(p *pair) bool {
				decoder := json.NewDecoder(strings.NewReader(p.body))
				var first, second json.RawMessage
				return decoder.Decode(&first) == nil && !errors.Is(decoder.Decode(&second), io.EOF) &&
					p.refuses(http.StatusBadRequest, codes.InvalidArgument)
			},
		},
		{
			"A name twice in one object of a value is 400",
			"Temporal takes the last.",
			func(p *pair) bool {
				return jsontext.Value(p.body).IsValid(jsontext.AllowDuplicateNames(true)) && !jsontext.Value(p.body).IsValid() &&
					p.refuses(http.StatusBadRequest, codes.InvalidArgument)
			},
		},
		{
			"A number in a string is all of the string",
			"Temporal leaves what is behind a comma, a colon, a bracket or white space in it.",
			func(p *pair) bool {
				return numberAndMore.MatchString(p.body) && p.refuses(http.StatusBadRequest, codes.InvalidArgument)
			},
		},
		{
			"Text that is not UTF-8 is 400",
			"No protobuf string can hold it.",
			func(p *pair) bool {
				return !utf8.ValidString(p.decodedTarget()) && p.refuses(http.StatusBadRequest, codes.InvalidArgument)
			},
		},
		{
			"A query that cannot be read is 400",
			"Temporal reads none where the body is the message, or the message has no fields.",
			func(p *pair) bool {
				_, query, _ := strings.Cut(p.target, "?")
				_, err := url.ParseQuery(query)
				return err != nil && p.refuses(http.StatusBadRequest, codes.InvalidArgument)
			},
		},
		{
			"A query parameter in both spellings is 400",
			"Temporal takes one of the two, and not always the same.",
			func(p *pair) bool {
				return strings.Contains(string(p.door.body), "must be given once") && p.inBothSpellings() &&
					p.refuses(http.StatusBadRequest, codes.InvalidArgument)
			},
		},
		{
			"A query takes the forms that a body does",
			"Temporal takes fewer there: no base64 without padding, no enums by their short names, no 1e3.",
			func(p *pair) bool {
				if p.rule.body || p.temporal.status != http.StatusBadRequest || p.temporal.calls > 0 || p.door.calls == 0 ||
					!bodyForms.Match(p.temporal.body) {
					return false
				}
				p.temporal = p.door
				return true
			},
		},
	}
}

// values is about payloads, in requests and in responses.
func values() []difference {
	return []difference{
		{
			"Values are stored byte for byte",
			"Temporal's HTTP API reads each value and writes it anew: large integers are rounded, keys sorted, empty lists become null.",
			storedByteForByte,
		},
		{
			"A payload in an Any keeps its type",
			"Temporal shows its value alone.",
			typedPayload,
		},
		{
			"Values are shown byte for byte",
			"The same on the way out, even when the stored bytes are right.",
			shownByteForByte,
		},
		{
			"Data that claims to be JSON and is not is shown in the long form",
			"One such value makes Temporal fail the whole answer.",
			nil, // shownByteForByte finds it too
		},
		{
			"Numbers in values may have any size",
			"Temporal refuses those that it cannot hold, or loses the rest of the value.",
			func(p *pair) bool {
				if p.door.calls == 0 || !unfitNumber(p.body) || proto.Equal(p.temporal.request, p.door.request) {
					return false
				}
				p.temporal = p.door
				return true
			},
		},
		{
			"A payload with externalPayloads is one in the long form",
			"Temporal takes it for a value, since it looks for metadata and data alone.",
			func(p *pair) bool {
				return strings.Contains(p.body, "xternal") && strings.Contains(string(p.door.body), "/externalPayloads") &&
					p.refuses(http.StatusBadRequest, codes.InvalidArgument)
			},
		},
		{
			"A _protoMessageType that is no text is 400",
			"Temporal refuses it in a list, and takes it for an empty payload elsewhere.",
			func(p *pair) bool {
				return strings.Contains(string(p.door.body), "_protoMessageType must be a string") &&
					p.refuses(http.StatusBadRequest, codes.InvalidArgument)
			},
		},
	}
}

// failing is about errors, and what all responses have.
func failing() []difference {
	return []difference{
		{
			"An error about the gateway's own credential is 502",
			"Temporal says 401, as if it were the caller's.",
			func(p *pair) bool { return p.failsWith(codes.Unauthenticated, http.StatusBadGateway) },
		},
		{
			"A call that was cut off is 503",
			"Temporal says 499, as if the caller had left.",
			func(p *pair) bool { return p.failsWith(codes.Canceled, http.StatusServiceUnavailable) },
		},
		{
			"The text of errors that are the server's own fault is the gateway's",
			"What the server says then may hold what no caller should see. It is in the gateway's log.",
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
			"An error with details that cannot be shown keeps its status",
			"Temporal says 500, and not what failed.",
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
			"That is how protobuf's own library writes it.",
			func(p *pair) bool {
				if !emptyValue.Match(p.temporal.body) {
					return false
				}
				p.temporal.body = emptyValue.ReplaceAll(p.temporal.body, []byte("$1"))
				return true
			},
		},
		{
			"The text of errors about a request that cannot be read is the gateway's",
			"It names the field.",
			differentWords,
		},
		{
			"The content type is application/json",
			"Temporal says *, which is no content type.",
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
