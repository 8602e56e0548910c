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
	// bodyForms finds the errors of grpc-gateway about values of a query that a
	// body may have.
	bodyForms = regexp.MustCompile(`illegal base64 data|is not a valid value|parsing \\"[-0-9.eE]+\\": invalid syntax`)
	// emptyValue finds what Temporal's JSON adds to an Empty in an Any.
	emptyValue = regexp.MustCompile(`("@type":\s*"type.googleapis.com/google.protobuf.Empty"),\s*"value":\s*\{\}`)
	// numberAndMore finds strings that begin as a number does.
	numberAndMore = regexp.MustCompile(`"\s*-?[0-9][-+0-9.eE]*[\s,}\]:][^"]*"`)
)

// refuses reports whether the door has refused the request with a status before
// it made a call. If so, the two are alike from then on.
func (p *pair) refuses(httpStatus int, code codes.Code) bool {
	if p.door.calls > 0 || p.door.status != httpStatus || p.door.code() != code {
		return false
	}
	p.temporal = p.door
	return true
}

// code is that of a response that is an error.
func (o *outcome) code() codes.Code {
	var body struct{ Code uint32 }
	if json.Unmarshal(o.body, &body) != nil {
		return codes.OK
	}
	return codes.Code(body.Code)
}

// failsWith reports whether the upstream failed with a code that the door shows
// by another status.
func (p *pair) failsWith(code codes.Code, httpStatus int) bool {
	if p.failure == nil || p.failure.Code() != code || p.door.calls == 0 || p.door.status != httpStatus {
		return false
	}
	p.temporal = p.door
	return true
}

// inBothSpellings reports whether two parameters of the query name one field.
func (p *pair) inBothSpellings() bool {
	target, err := url.Parse(p.target)
	if err != nil {
		return false
	}
	seen := map[string]bool{}
	for name := range target.Query() {
		plain := strings.ToLower(strings.ReplaceAll(name, "_", ""))
		if seen[plain] {
			return true
		}
		seen[plain] = true
	}
	return false
}

func (p *pair) anyValue(holds func(name, value string) bool) bool {
	for name, value := range p.values {
		if holds(name, value) {
			return true
		}
	}
	return false
}

func printable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

// slashInID holds that the door has called the rule's method with the path's
// values, or refused the request for what stands beside the path.
func slashInID(p *pair) bool {
	if !p.anyValue(func(_, value string) bool { return strings.Contains(value, "/") }) {
		return false
	}
	if p.door.calls > 0 && p.verb == p.rule.verb {
		if p.door.method != p.rule.fullMethod() {
			return false
		}
		for name, value := range p.values {
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

// textAt gives the string at a path of field names.
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

// stampedIdentity expects the caller's name wherever a message says who calls.
func stampedIdentity(p *pair) bool {
	if p.temporal.calls == 0 || p.door.calls == 0 {
		return false
	}
	before := proto.CloneOf(p.temporal.request)
	stamp(p.temporal.request.ProtoReflect(), 3)
	return !proto.Equal(before, p.temporal.request)
}

func stamp(m protoreflect.Message, depth int) {
	for i := range m.Descriptor().Fields().Len() {
		field := m.Descriptor().Fields().Get(i)
		switch {
		case field.IsList() || field.IsMap():
		case field.Name() == "identity" && field.Kind() == protoreflect.StringKind:
			m.Set(field, protoreflect.ValueOfString(callerName))
		case field.Message() != nil && m.Has(field) && depth > 1:
			stamp(m.Mutable(field).Message(), depth-1)
		}
	}
}

// strayNamespace reports whether the request names a namespace other than the
// path's, or any by its internal id: in the message itself, or in one within it.
func (p *pair) strayNamespace(atTop bool) bool {
	read := p.temporal.request
	if p.rule.body {
		read = newMessage(p.rule.method.Input())
		_, m := temporalMarshaler("", !strings.Contains(p.header.Get("Content-Type"), "no-payload"))
		if m.NewDecoder(strings.NewReader(p.body)).Decode(read) != nil {
			return false
		}
	}
	if read == nil {
		return false
	}
	path, inPath := p.values["namespace"]
	if !inPath {
		path = textAt(read.ProtoReflect(), "namespace")
	}
	stray := false
	namespaces(read, func(m protoreflect.Message, field protoreflect.FieldDescriptor) {
		value := m.Get(field).String()
		stray = stray || atTop == (m == read.ProtoReflect()) && value != "" && (value != path || strings.HasSuffix(string(field.Name()), "_id"))
	})
	return stray
}

// differentWords reports whether both sides refuse the request, by the same
// status and code.
func differentWords(p *pair) bool {
	var theirs, ours status.Status
	if p.temporal.calls+p.door.calls > 0 || p.temporal.status != p.door.status || p.door.status < 400 || p.door.status > 499 ||
		protojson.Unmarshal(p.temporal.body, &theirs) != nil || protojson.Unmarshal(p.door.body, &ours) != nil ||
		theirs.GetCode() != ours.GetCode() || theirs.GetMessage() == ours.GetMessage() || layout(p.temporal.body) != layout(p.door.body) {
		return false
	}
	p.temporal.body = p.door.body
	return true
}
