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

// oracleCase is a request and the response of the upstream.
type oracleCase struct {
	rule   *rule
	verb   string
	target string
	header http.Header
	body   string

	// values has the values of the variables of the path. sent is the message from
	// which the body was generated, before it was corrupted.
	values map[string]string
	sent   proto.Message

	response proto.Message
	failure  *grpcstatus.Status // returned instead of the response, unless nil
}

func (c *oracleCase) String() string {
	return fmt.Sprintf("%s %s\n%v\n%s", c.verb, c.target, c.header, c.body)
}

// generator generates cases. After a restart with the same seed it generates the
// same cases.
type generator struct {
	*transcodetest.Generator

	any []protoreflect.MessageType
}

func newGenerator(t testing.TB) *generator {
	t.Helper()
	return &generator{transcodetest.NewGenerator(t, 0), transcodetest.Linked(t)}
}

// oneIn returns true in one of n cases.
func (g *generator) oneIn(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

// next generates a case for a binding.
func (g *generator) next(r *rule) *oracleCase {
	c := &oracleCase{rule: r, verb: r.verb, header: http.Header{}, values: map[string]string{}}
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
	return inBraces.ReplaceAllStringFunc(c.rule.pattern, func(name string) string {
		name = strings.Trim(name, "{}")
		value := g.id()
		if name == "namespace" && !g.oneIn(25) {
			value = pick(g, "default", "orders", "a.b-c")
		}
		c.values[name] = value
		return g.escape(value)
	})
}

func (g *generator) id() string {
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

// negotiate sets the headers for content negotiation in some cases.
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
	if g.oneIn(100) || c.verb == http.MethodPost && c.rule.verb == http.MethodGet && g.oneIn(3) {
		c.header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
}

// lastCode is Unauthenticated, the highest gRPC code.
const lastCode = 16

// failure generates an error of the upstream, sometimes with a code that gRPC does not
// define.
func (g *generator) failure() *grpcstatus.Status {
	failed := &status.Status{Code: 1 + g.Int32N(lastCode+1), Message: g.Text()}
	for g.oneIn(2) {
		of := g.any[g.IntN(len(g.any))]
		if g.oneIn(2) {
			for !strings.HasPrefix(string(of.Descriptor().FullName()), "temporal.api.errordetails.") {
				of = g.any[g.IntN(len(g.any))]
			}
		}
		detail, err := anypb.New(g.Message(of).Interface())
		if err == nil && of.Descriptor().FullName() != "google.protobuf.Value" && of.Descriptor().FullName() != "google.protobuf.Any" {
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
	fields, lists := leaves(r.method.Input(), 3), map[string]string{}
	for len(fields) > 0 && !g.oneIn(4) && len(pairs) < 6 {
		f := fields[g.IntN(len(fields))]
		times := 1
		if f.last().IsList() || g.oneIn(25) {
			times = 1 + g.IntN(3)
		}
		for range times {
			name, value := g.spelling(f), g.value(f.last())
			if f.last().IsList() { // for a list in both spellings, the order of Temporal's elements is random
				path := fmt.Sprint(f)
				lists[path] = cmp.Or(lists[path], name)
				name = lists[path]
			}
			if f.last().IsMap() {
				name += "[" + g.value(f.last().MapKey()) + "]"
				value = g.value(f.last().MapValue())
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

// leaf is a field that a query can set, as the path of fields from the request.
type leaf []protoreflect.FieldDescriptor

func (l leaf) last() protoreflect.FieldDescriptor { return l[len(l)-1] }

// leaves returns all fields that a query can set, including messages.
func leaves(d protoreflect.MessageDescriptor, depth int) []leaf {
	var all []leaf
	for i := range d.Fields().Len() {
		field := d.Fields().Get(i)
		all = append(all, leaf{field})
		if field.Message() == nil || field.IsMap() || field.IsList() || depth <= 1 || isValue(field.Message()) {
			continue
		}
		for _, inner := range leaves(field.Message(), depth-1) {
			all = append(all, append(leaf{field}, inner...))
		}
	}
	return all
}

// isValue reports whether the JSON form of a message is a string.
func isValue(d protoreflect.MessageDescriptor) bool {
	return d.ParentFile().Package() == "google.protobuf"
}

func (g *generator) spelling(l leaf) string {
	camel := g.oneIn(2)
	names := make([]string, len(l))
	for i, field := range l {
		if camel != g.oneIn(10) {
			names[i] = field.JSONName()
		} else {
			names[i] = string(field.Name())
		}
	}
	return strings.Join(names, ".")
}

// value generates the text of a field, sometimes of another type.
func (g *generator) value(field protoreflect.FieldDescriptor) string {
	if g.oneIn(12) {
		return pick(g, "", "x", "-1", "1", "1e3", "1.5", "0x10", " 1", "1_000", "true", "null", "NaN", "inf", "Infinity", "99999999999999999999", "2030-01-01", "é", "\xff",
			"+5", "007", "-0", "1.0", "T", "{}", "a,b", "!!", "QQ", "QQ==", "_-8=", "_-8", "1m", "-1.5s", ".5")
	}
	if field.Message() != nil {
		return g.textOf(field.Message().FullName())
	}
	switch field.Kind() {
	case protoreflect.StringKind:
		return g.Text()
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
		return camel(name)
	case 3:
		return pick(g, "99", "-1", "UNKNOWN_VALUE", "1.0")
	default:
		return name
	}
}

// camel returns the short name of an enum value, as older versions of Temporal's JSON
// wrote it: the last two words of the name.
func camel(name string) string {
	words := strings.Split(strings.ToLower(name), "_")
	words = words[max(0, len(words)-2):]
	for i, word := range words {
		if word != "" {
			words[i] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, "")
}

func (g *generator) textOf(name protoreflect.FullName) string {
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

// visitNamespaces visits every field of a message that contains a namespace.
func visitNamespaces(of proto.Message, visit func(protoreflect.Message, protoreflect.FieldDescriptor)) {
	walk(of.ProtoReflect(), func(m protoreflect.Message) {
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

// walk visits a message and all nested messages, except those in an Any.
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
