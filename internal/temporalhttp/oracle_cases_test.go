package temporalhttp_test

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/status"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/flowgate/flowgate/internal/transcode/transcodetest"
)

// oracleCase is an HTTP request, and the response that the upstream returns to it. The
// oracle of these tests is Temporal's own HTTP API, that is, grpc-gateway's mux configured
// as in Temporal's frontend: the door must handle each request as the oracle does.
type oracleCase struct {
	rule   *rule
	verb   string
	target string // path and query
	header http.Header
	body   string

	pathValues map[string]string // by the name of the path variable

	response proto.Message      // of the upstream
	failure  *grpcstatus.Status // returned instead of the response, unless nil
}

func (c *oracleCase) String() string {
	return fmt.Sprintf("%s %s\n%v\n%s", c.verb, c.target, c.header, c.body)
}

// generator generates random cases. It generates the same cases again after Restart, a
// method of the embedded generator, with the same seed.
type generator struct {
	*transcodetest.Generator

	detailTypes []protoreflect.MessageType // for the details of errors
}

// newGenerator returns a generator with the seed 0.
func newGenerator(t testing.TB) *generator {
	t.Helper()
	return &generator{transcodetest.NewGenerator(t, 0), transcodetest.LinkedMessageTypes(t)}
}

// oneIn returns true with a probability of 1/n.
func (g *generator) oneIn(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

// next generates a case for a rule.
func (g *generator) next(r *rule) *oracleCase {
	c := &oracleCase{rule: r, verb: r.verb, header: http.Header{}, pathValues: map[string]string{}}
	if g.oneIn(40) {
		c.verb = pick(g, http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete)
	}
	c.target = g.path(c)
	if !r.body || g.oneIn(10) {
		c.target += g.query(r)
	}
	if r.body || g.oneIn(20) {
		g.fillBody(c)
	}
	g.negotiate(c)
	c.response = g.Message(messageType(r.method.Output())).Interface()
	if g.oneIn(5) {
		c.failure = g.failure()
	}
	return c
}

// path replaces the variables of the pattern with random values.
func (g *generator) path(c *oracleCase) string {
	return pathVariable.ReplaceAllStringFunc(c.rule.pattern, func(name string) string {
		name = strings.Trim(name, "{}")
		value := g.pathValue()
		if name == "namespace" && !g.oneIn(25) {
			value = pick(g, "default", "orders", "a.b-c")
		}
		c.pathValues[name] = value
		return g.escape(value)
	})
}

// pathValue generates the value of a path variable.
func (g *generator) pathValue() string {
	if !g.oneIn(3) {
		return pick(g, "order-1", "b7d1f9c0-8c1e-4b55-a5c4-0a3f1a3d2f10", "1", "a")
	}
	return pick(g, "ü€😀", "a b", "a:b", "%", "%2F", "a/b", "a/history", "a+b", ";x=1", "?q=1", "#f", "*", ".", "..", "{x}", `"'`, `\`, "@,",
		"", "~", "a\x01", "a\xff", "[1]", "a=b&c", "null", "workflows", strings.Repeat("long", 300))
}

// escape percent-encodes a path segment as necessary, or every byte of it.
func (g *generator) escape(value string) string {
	if !g.oneIn(6) {
		return url.PathEscape(value)
	}
	var b strings.Builder
	for _, c := range []byte(value) {
		fmt.Fprintf(&b, pick(g, "%%%02X", "%%%02x"), c)
	}
	return b.String()
}

// negotiate sets Content-Type and Accept in some cases.
func (g *generator) negotiate(c *oracleCase) {
	types := []string{
		"application/json", "application/json+pretty", "application/json+no-payload-shorthand",
		"application/json+pretty+no-payload-shorthand", "text/html", "application/json; charset=utf-8", "*", "*/*", "/;",
	}
	if c.body != "" && c.header.Get("Content-Type") == "" && g.oneIn(3) {
		c.header.Set("Content-Type", pick(g, "application/json", "text/plain", "application/json; charset=utf-8", "*"))
	}
	for g.oneIn(5) {
		c.header.Add("Accept", pick(g, types...))
	}
	if g.oneIn(30) {
		c.header.Add("Content-Type", pick(g, types...))
	}
	// grpc-gateway handles a POST with this type as a GET, for clients whose URLs would be too long.
	if g.oneIn(100) || c.verb == http.MethodPost && c.rule.verb == http.MethodGet && g.oneIn(3) {
		c.header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
}

// lastCode is the highest gRPC code, Unauthenticated.
const lastCode = 16

// failure generates an upstream error, sometimes with a code that gRPC does not define.
func (g *generator) failure() *grpcstatus.Status {
	failed := &status.Status{Code: 1 + g.Int32N(lastCode+1), Message: g.RandomText()}
	for g.oneIn(2) {
		detailType := g.detailTypes[g.IntN(len(g.detailTypes))]
		if g.oneIn(2) {
			for !strings.HasPrefix(string(detailType.Descriptor().FullName()), "temporal.api.errordetails.") {
				detailType = g.detailTypes[g.IntN(len(g.detailTypes))]
			}
		}
		detail, err := anypb.New(g.Message(detailType).Interface())
		name := detailType.Descriptor().FullName()
		if err == nil && name != "google.protobuf.Value" && name != "google.protobuf.Any" {
			failed.Details = append(failed.Details, detail)
		}
	}
	if g.oneIn(20) {
		failed.Details = append(failed.Details, pick(g,
			&anypb.Any{TypeUrl: "type.googleapis.com/no.such.Type", Value: []byte{1, 2}},
			&anypb.Any{TypeUrl: "type.googleapis.com/google.protobuf.Empty"},
			&anypb.Any{TypeUrl: "type.googleapis.com/temporal.api.common.v1.Payload"},
		))
	}
	return grpcstatus.FromProto(failed)
}

// query generates a query from fields of the request message. Some parameters are
// invalid.
func (g *generator) query(r *rule) string {
	var pairs []string
	fields, listNames := fieldPaths(r.method.Input(), 3), map[string]string{}
	for len(fields) > 0 && !g.oneIn(4) && len(pairs) < 6 {
		f := fields[g.IntN(len(fields))]
		times := 1
		if f.last().IsList() || g.oneIn(25) {
			times = 1 + g.IntN(3)
		}
		for range times {
			name, value := g.parameterName(f), g.parameterValue(f.last())
			// A query has only one spelling of the name of each list: with two, Temporal's
			// HTTP API would append the elements in random order.
			if f.last().IsList() {
				path := fmt.Sprint(f)
				listNames[path] = cmp.Or(listNames[path], name)
				name = listNames[path]
			}
			if f.last().IsMap() {
				name += "[" + g.parameterValue(f.last().MapKey()) + "]"
				value = g.parameterValue(f.last().MapValue())
			}
			pairs = append(pairs, url.QueryEscape(name)+"="+url.QueryEscape(value))
		}
	}
	for g.oneIn(6) {
		pairs = append(pairs, pick(g, "pretty", "noPayloadShorthand=1", "unknown=1", "execution.unknown=2", "pretty=false", "a%5B1%5D=2", "=x", "a", "",
			"namespace.x=1", "wait_new_event=true", "a.=1", ".a=1", "namespace%5B1%5D=2"))
	}
	if g.oneIn(60) {
		pairs = append(pairs, pick(g, "a=%zz", "a;b=1", "%=1", "a=b;c"))
	}
	if len(pairs) == 0 {
		return ""
	}
	return "?" + strings.Join(pairs, "&")
}

// fieldPath identifies a field that a query can set, by the fields that lead to it.
type fieldPath []protoreflect.FieldDescriptor

func (path fieldPath) last() protoreflect.FieldDescriptor { return path[len(path)-1] }

// fieldPaths returns all fields that a query can set, including fields of message type,
// down to the given depth of nesting.
func fieldPaths(d protoreflect.MessageDescriptor, depth int) []fieldPath {
	var all []fieldPath
	for i := range d.Fields().Len() {
		field := d.Fields().Get(i)
		all = append(all, fieldPath{field})
		if field.Message() == nil || field.IsMap() || field.IsList() || depth <= 1 || isWellKnown(field.Message()) {
			continue
		}
		for _, inner := range fieldPaths(field.Message(), depth-1) {
			all = append(all, append(fieldPath{field}, inner...))
		}
	}
	return all
}

// isWellKnown reports whether a message is a well-known type such as Timestamp, which a
// query parameter sets as a single value.
func isWellKnown(d protoreflect.MessageDescriptor) bool {
	return d.ParentFile().Package() == "google.protobuf"
}

// parameterName returns the dotted name of a field in camelCase or snake_case. Sometimes
// it mixes the two.
func (g *generator) parameterName(path fieldPath) string {
	camel := g.oneIn(2)
	names := make([]string, len(path))
	for i, field := range path {
		if camel != g.oneIn(10) {
			names[i] = field.JSONName()
		} else {
			names[i] = string(field.Name())
		}
	}
	return strings.Join(names, ".")
}

// parameterValue generates a value for a field, sometimes one of another type.
func (g *generator) parameterValue(field protoreflect.FieldDescriptor) string {
	if g.oneIn(12) {
		return pick(g, "", "x", "-1", "1", "1e3", "1.5", "0x10", " 1", "1_000", "true", "null", "NaN", "inf", "Infinity", "99999999999999999999", "2030-01-01", "é", "\xff",
			"+5", "007", "-0", "1.0", "T", "{}", "a,b", "!!", "QQ", "QQ==", "_-8=", "_-8", "1m", "-1.5s", ".5")
	}
	if field.Message() != nil {
		return g.messageText(field.Message().FullName())
	}
	switch field.Kind() {
	case protoreflect.StringKind:
		return g.RandomText()
	case protoreflect.BytesKind:
		return pick(g, "", "QUJD", "QUI=", "QUI", "_-8=", "-_-_", "+/+/")
	case protoreflect.EnumKind:
		return g.enum(field.Enum())
	case protoreflect.BoolKind:
		return pick(g, "true", "false", "1", "0", "t", "T", "TRUE", "True", "f", "F")
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return pick(g, "0", "1", "-2.5", "1e10", "1E-5", "+1", ".5", "5.", "1e400", "3.5e38", "-Infinity")
	default:
		return pick(g, "0", "1", "-1", "42", "2147483647", "2147483648", "9223372036854775807", "-9223372036854775808", "18446744073709551615", "+7", "08")
	}
}

func (g *generator) enum(d protoreflect.EnumDescriptor) string {
	value := d.Values().Get(g.IntN(d.Values().Len()))
	name := string(value.Name())
	switch g.IntN(8) {
	case 0:
		return fmt.Sprint(value.Number())
	case 1:
		return strings.ToLower(name)
	case 2:
		return shortEnumName(name)
	case 3:
		return pick(g, "99", "-1", "UNKNOWN_VALUE", "1.0")
	default:
		return name
	}
}

// shortEnumName returns an enum value in the short form of older versions of Temporal's
// JSON, such as TimedOut for WORKFLOW_EXECUTION_STATUS_TIMED_OUT. It always keeps two
// words, so some of its results are invalid, such as StatusRunning.
func shortEnumName(name string) string {
	words := strings.Split(strings.ToLower(name), "_")
	words = words[max(0, len(words)-2):]
	for i, word := range words {
		if word != "" {
			words[i] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, "")
}

// messageText generates the value of a message field, such as a Timestamp.
func (g *generator) messageText(name protoreflect.FullName) string {
	switch name {
	case "google.protobuf.Timestamp":
		return pick(g, "2030-01-01T00:00:00Z", "2030-01-01T00:00:00.123456789Z", "2030-06-01T00:00:00+02:00", "2030-01-01T00:00:00.5-11:30",
			"0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "2030-01-01 00:00:00Z", "2030-01-01T00:00:00", "2030-02-30T00:00:00Z",
			"2030-01-01T24:00:00Z", "2030-01-01T00:00:60Z", "2030-01-01t00:00:00z", "2030-01-01T00:00:00,5Z", "0000-01-01T00:00:00Z")
	case "google.protobuf.Duration":
		return pick(g, "1s", "1.5s", "0s", "-3s", "0.000000001s", "1m", "1h30m", "100ms", "315576000000s", "315576000001s", "1", "1us", "1.0000000001s", "0", "+1s", "1µs")
	case "google.protobuf.FieldMask":
		return pick(g, "a", "a,b.c", "pageSize", "page_size,x", "", "a,,b")
	default:
		return pick(g, "1", "true", "text", "", "{}", "QQ==")
	}
}

// decodedTarget returns the path and the query, percent-decoded.
func (c *oracleCase) decodedTarget() string {
	text := strings.ReplaceAll(c.target, "+", " ")
	if decoded, err := url.PathUnescape(text); err == nil {
		return decoded
	}
	return text
}

// visitNamespaces visits every field, at any depth of a message, whose value is the name
// or the id of a namespace.
func visitNamespaces(message proto.Message, visit func(protoreflect.Message, protoreflect.FieldDescriptor)) {
	walk(message.ProtoReflect(), func(m protoreflect.Message) {
		for i := range m.Descriptor().Fields().Len() {
			field := m.Descriptor().Fields().Get(i)
			name := string(field.Name())
			if field.Kind() == protoreflect.StringKind && !field.IsList() && !field.IsMap() &&
				(name == "namespace" || strings.HasSuffix(name, "_namespace") || strings.HasSuffix(name, "namespace_id")) {
				visit(m, field)
			}
		}
	})
}

// walk visits a message and all nested messages, except messages packed in an Any.
func walk(m protoreflect.Message, visit func(protoreflect.Message)) {
	visit(m)
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.IsMap() && field.MapValue().Message() != nil:
			value.Map().Range(func(_ protoreflect.MapKey, value protoreflect.Value) bool {
				walk(value.Message(), visit)
				return true
			})
		case field.IsList() && field.Message() != nil:
			for i := range value.List().Len() {
				walk(value.List().Get(i).Message(), visit)
			}
		case field.Message() != nil && !field.IsMap():
			walk(value.Message(), visit)
		}
		return true
	})
}

// sortedKeys returns the sorted keys of a map.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
