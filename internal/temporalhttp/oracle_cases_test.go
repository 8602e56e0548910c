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

// oracleCase is one request, and what the upstream answers.
type oracleCase struct {
	rule   *rule
	verb   string
	target string
	header http.Header
	body   string

	// values are those of the path's variables; sent is the message that the
	// body was made of, before it was spoiled.
	values map[string]string
	sent   proto.Message

	answer  proto.Message
	failure *grpcstatus.Status
}

func (c *oracleCase) String() string {
	return fmt.Sprintf("%s %s\n%v\n%s", c.verb, c.target, c.header, c.body)
}

// generator makes cases. After a restart with the same seed they are the same.
type generator struct {
	*transcodetest.Generator

	any []protoreflect.MessageType
}

func newGenerator(t testing.TB) *generator {
	t.Helper()
	return &generator{transcodetest.NewGenerator(t, 0), transcodetest.Linked(t)}
}

// one reports whether something shall be that is so once in n cases.
func (g *generator) one(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

// next makes a case for a binding.
func (g *generator) next(r *rule) *oracleCase {
	c := &oracleCase{rule: r, verb: r.verb, header: http.Header{}, values: map[string]string{}}
	if g.one(40) {
		c.verb = pick(g, http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete)
	}
	c.target = g.path(c)
	if !r.body || g.one(10) {
		c.target += g.query(r)
	}
	if r.body || g.one(20) {
		g.fillBody(c)
	}
	g.negotiate(c)
	c.answer = g.Message(messageType(r.method.Output())).Interface()
	if g.one(5) {
		c.failure = g.failure()
	}
	return c
}

// path fills the pattern's variables.
func (g *generator) path(c *oracleCase) string {
	return inBraces.ReplaceAllStringFunc(c.rule.pattern, func(name string) string {
		name = strings.Trim(name, "{}")
		value := g.id()
		if name == "namespace" && !g.one(25) {
			value = pick(g, "default", "orders", "a.b-c")
		}
		c.values[name] = value
		return g.escape(value)
	})
}

func (g *generator) id() string {
	if !g.one(3) {
		return pick(g, "order-1", "b7d1f9c0-8c1e-4b55-a5c4-0a3f1a3d2f10", "1", "a")
	}
	return pick(g, "ü€😀", "a b", "a:b", "%", "%2F", "a/b", "a/history", "a+b", ";x=1", "?q=1", "#f", "*", ".", "..", "{x}", `"'`, `\`, "@,",
		"", "~", "a\x01", "a\xff", "[1]", "a=b&c", "null", "workflows", strings.Repeat("long", 300))
}

// escape writes a path segment: with the escapes that it needs, or with more.
func (g *generator) escape(value string) string {
	if !g.one(6) {
		return url.PathEscape(value)
	}
	var b strings.Builder
	for _, c := range []byte(value) {
		fmt.Fprintf(&b, pick(g, "%%%02X", "%%%02x"), c)
	}
	return b.String()
}

// negotiate asks for forms of JSON, most often for none.
func (g *generator) negotiate(c *oracleCase) {
	types := []string{
		"application/json", "application/json+pretty", "application/json+no-payload-shorthand",
		"application/json+pretty+no-payload-shorthand", "text/html", "application/json; charset=utf-8", "*", "*/*", "/;",
	}
	if c.body != "" && c.header.Get("Content-Type") == "" && g.one(3) {
		c.header.Set("Content-Type", pick(g, "application/json", "text/plain", "application/json; charset=utf-8", "*"))
	}
	for g.one(5) {
		c.header.Add("Accept", pick(g, types...))
	}
	if g.one(30) {
		c.header.Add("Content-Type", pick(g, types...))
	}
	if g.one(100) || c.verb == http.MethodPost && c.rule.verb == http.MethodGet && g.one(3) {
		c.header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
}

// lastCode is Unauthenticated; there is none behind it yet.
const lastCode = 16

// failure makes an error of the upstream, now and then with a code that nobody
// knows.
func (g *generator) failure() *grpcstatus.Status {
	failed := &status.Status{Code: 1 + g.Int32N(lastCode+1), Message: g.Text()}
	for g.one(2) {
		of := g.any[g.IntN(len(g.any))]
		if g.one(2) {
			for !strings.HasPrefix(string(of.Descriptor().FullName()), "temporal.api.errordetails.") {
				of = g.any[g.IntN(len(g.any))]
			}
		}
		detail, err := anypb.New(g.Message(of).Interface())
		if err == nil && of.Descriptor().FullName() != "google.protobuf.Value" && of.Descriptor().FullName() != "google.protobuf.Any" {
			failed.Details = append(failed.Details, detail)
		}
	}
	if g.one(20) {
		failed.Details = append(failed.Details, pick(g,
			&anypb.Any{TypeUrl: "type.googleapis.com/no.such.Type", Value: []byte{1, 2}},
			&anypb.Any{TypeUrl: "type.googleapis.com/google.protobuf.Empty"},
			&anypb.Any{TypeUrl: "type.googleapis.com/temporal.api.common.v1.Payload"},
		))
	}
	return grpcstatus.FromProto(failed)
}

// query makes a query of fields of the request message, some of them wrong.
func (g *generator) query(r *rule) string {
	var pairs []string
	fields, lists := leaves(r.method.Input(), 3), map[string]string{}
	for len(fields) > 0 && !g.one(4) && len(pairs) < 6 {
		f := fields[g.IntN(len(fields))]
		times := 1
		if f.last().IsList() || g.one(25) {
			times = 1 + g.IntN(3)
		}
		for range times {
			name, value := g.spelling(f), g.value(f.last())
			if f.last().IsList() { // of a list in two spellings, Temporal takes either first
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
	for g.one(6) {
		pairs = append(pairs, pick(g, "pretty", "noPayloadShorthand=1", "unknown=1", "execution.unknown=2", "pretty=false", "a%5B1%5D=2", "=x", "a", "",
			"namespace.x=1", "wait_new_event=true", "a.=1", ".a=1", "namespace%5B1%5D=2"))
	}
	if g.one(60) {
		pairs = append(pairs, pick(g, "a=%zz", "a;b=1", "%=1", "a=b;c"))
	}
	if len(pairs) == 0 {
		return ""
	}
	return "?" + strings.Join(pairs, "&")
}

// leaf is a field that a query can name, by its way from the request.
type leaf []protoreflect.FieldDescriptor

func (l leaf) last() protoreflect.FieldDescriptor { return l[len(l)-1] }

// leaves lists all fields that a query may name, the messages among them.
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

// isValue reports whether text stands for a whole message.
func isValue(d protoreflect.MessageDescriptor) bool {
	return d.ParentFile().Package() == "google.protobuf"
}

func (g *generator) spelling(l leaf) string {
	camel := g.one(2)
	names := make([]string, len(l))
	for i, field := range l {
		if camel != g.one(10) {
			names[i] = field.JSONName()
		} else {
			names[i] = string(field.Name())
		}
	}
	return strings.Join(names, ".")
}

// value writes a value of a field, one in ten times of another one.
func (g *generator) value(field protoreflect.FieldDescriptor) string {
	if g.one(12) {
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

// camel shortens an enum's value, as Temporal's own JSON once wrote them: the
// last two words of its name.
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

// decodedTarget is the path and the query without escapes.
func (c *oracleCase) decodedTarget() string {
	text := strings.ReplaceAll(c.target, "+", " ")
	if decoded, err := url.PathUnescape(text); err == nil {
		return decoded
	}
	return text
}

// namespaces visits every field by which a message names a namespace.
func namespaces(of proto.Message, visit func(protoreflect.Message, protoreflect.FieldDescriptor)) {
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

// walk visits a message and all messages in it, but for what an Any holds.
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

// sortedKeys gives the names of an object in their order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
