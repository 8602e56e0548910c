package temporalhttp_test

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

var (
	// queryValueError matches grpc-gateway's errors for values that it rejects in a
	// query and accepts in a body.
	queryValueError = regexp.MustCompile(`illegal base64 data|is not a valid value|parsing \\"[-0-9.eE]+\\": invalid syntax`)
	// emptyValue matches a google.protobuf.Empty in an Any, to which Temporal's JSON
	// adds a value.
	emptyValue = regexp.MustCompile(`("@type":\s*"type.googleapis.com/google.protobuf.Empty"),\s*"value":\s*\{\}`)
	// numberWithSuffix matches JSON strings that begin with a number but contain more.
	numberWithSuffix = regexp.MustCompile(`"\s*-?[0-9][-+0-9.eE]*[\s,}\]:][^"]*"`)
)

// reconcileRejection reports whether the door rejected the request with the given
// status and code and made no call. If so, it makes the results equal.
func (p *pair) reconcileRejection(httpStatus int, code codes.Code) bool {
	if p.door.calls > 0 || p.door.status != httpStatus || p.door.code() != code {
		return false
	}
	p.temporal = p.door
	return true
}

// code returns the gRPC code of an error response, or OK.
func (r *result) code() codes.Code {
	var body struct{ Code uint32 }
	if json.Unmarshal(r.body, &body) != nil {
		return codes.OK
	}
	return codes.Code(body.Code)
}

// reconcileFailure reports whether the upstream call failed with the given code and the
// door returned the given status. If so, it makes the results equal.
func (p *pair) reconcileFailure(code codes.Code, httpStatus int) bool {
	if p.failure == nil || p.failure.Code() != code || p.door.calls == 0 || p.door.status != httpStatus {
		return false
	}
	p.temporal = p.door
	return true
}

// hasFieldTwice reports whether two query parameters name the same field, one in
// snake_case and the other in camelCase.
func (p *pair) hasFieldTwice() bool {
	target, err := url.Parse(p.target)
	if err != nil {
		return false
	}
	fields := map[string]bool{}
	for name := range target.Query() {
		field := strings.ToLower(strings.ReplaceAll(name, "_", ""))
		if fields[field] {
			return true
		}
		fields[field] = true
	}
	return false
}

// anyPathValue reports whether a path variable satisfies a condition.
func (p *pair) anyPathValue(condition func(name, value string) bool) bool {
	for name, value := range p.pathValues {
		if condition(name, value) {
			return true
		}
	}
	return false
}

func printable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

// reconcileSlashInID reports whether the path has an id with a slash and the door handled
// it correctly: it called the method of the rule with the values of the path, or
// rejected the request with a 4xx status. If so, it makes the results equal.
func reconcileSlashInID(p *pair) bool {
	if !p.anyPathValue(func(_, value string) bool { return strings.Contains(value, "/") }) {
		return false
	}
	if p.door.calls > 0 && p.verb == p.rule.verb {
		if p.door.method != p.rule.fullMethod() {
			return false
		}
		for name, value := range p.pathValues {
			if textAt(p.door.request.ProtoReflect(), name) != value {
				return false
			}
		}
	} else if p.door.calls == 0 && (p.door.status < 400 || p.door.status > 499) {
		return false
	}
	p.temporal = p.door
	return true
}

// textAt returns the string at a path of field names.
func textAt(m protoreflect.Message, path string) string {
	name, rest, nested := strings.Cut(path, ".")
	field := m.Descriptor().Fields().ByName(protoreflect.Name(name))
	if field == nil {
		return ""
	}
	if nested {
		return textAt(m.Get(field).Message(), rest)
	}
	return m.Get(field).String()
}

// reconcileIdentity sets the identity fields of the request that Temporal's API made, as
// the door does. It reports whether this changed the request.
func reconcileIdentity(p *pair) bool {
	if p.temporal.calls == 0 || p.door.calls == 0 {
		return false
	}
	before := proto.CloneOf(p.temporal.request)
	setIdentities(p.temporal.request.ProtoReflect(), 3)
	return !proto.Equal(before, p.temporal.request)
}

// setIdentities sets the identity fields of a message to callerName, down to the given
// depth of nesting.
func setIdentities(m protoreflect.Message, depth int) {
	for i := range m.Descriptor().Fields().Len() {
		field := m.Descriptor().Fields().Get(i)
		switch {
		case field.IsList() || field.IsMap():
		case field.Name() == "identity" && field.Kind() == protoreflect.StringKind:
			m.Set(field, protoreflect.ValueOfString(callerName))
		case field.Message() != nil && m.Has(field) && depth > 1:
			setIdentities(m.Mutable(field).Message(), depth-1)
		}
	}
}

// hasOtherNamespace reports whether the request contains a namespace other than the one
// in the path, or the id of a namespace. It looks only at the fields of the message
// itself if atTop is true, and otherwise only at nested messages.
func (p *pair) hasOtherNamespace(atTop bool) bool {
	message := p.temporal.request
	if p.rule.body {
		message = newMessage(p.rule.method.Input())
		_, m := temporalMarshaler("", !strings.Contains(p.header.Get("Content-Type"), "no-payload"))
		if m.NewDecoder(strings.NewReader(p.body)).Decode(message) != nil {
			return false
		}
	}
	if message == nil {
		return false
	}
	namespace, inPath := p.pathValues["namespace"]
	if !inPath {
		namespace = textAt(message.ProtoReflect(), "namespace")
	}
	found := false
	visitNamespaces(message, func(m protoreflect.Message, field protoreflect.FieldDescriptor) {
		value := m.Get(field).String()
		found = found || atTop == (m == message.ProtoReflect()) && value != "" && (value != namespace || strings.HasSuffix(string(field.Name()), "_id"))
	})
	return found
}

// reconcileErrorText reports whether both sides rejected the request with the same
// status and code but different messages. If so, it makes the bodies equal.
func reconcileErrorText(p *pair) bool {
	var temporal, door status.Status
	if p.temporal.calls+p.door.calls > 0 || p.temporal.status != p.door.status || p.door.status < 400 || p.door.status > 499 ||
		protojson.Unmarshal(p.temporal.body, &temporal) != nil || protojson.Unmarshal(p.door.body, &door) != nil ||
		temporal.GetCode() != door.GetCode() || temporal.GetMessage() == door.GetMessage() || whiteSpaceLayout(p.temporal.body) != whiteSpaceLayout(p.door.body) {
		return false
	}
	p.temporal.body = p.door.body
	return true
}
