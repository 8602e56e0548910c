package temporalhttp_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/temporalproto"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// fillBody writes a random request message as JSON in one of the ways that there
// are, and then spoils some.
func (g *generator) fillBody(c *oracleCase) {
	if g.one(25) {
		c.body = pick(g, "", " ", "\n\t", "{}", "null", "[]", "7", `"x"`, "true", "{", "}", "{}{}", "{} x", "\ufeff{}", "//\n{}")
		return
	}
	if _, inPath := c.values["namespace"]; !inPath && g.one(10) {
		c.body = "{}"
		return
	}
	message := g.Message(messageType(c.rule.method.Input()))
	g.nameNamespaces(c, message)
	c.sent = message.Interface()
	long := g.one(4)
	if long {
		c.header.Set("Content-Type", pick(g, "application/json+no-payload-shorthand", "application/json+pretty+no-payload-shorthand"))
	}
	c.body = string(g.spoil(g.written(c.sent, long)))
}

// nameNamespaces makes the message name the path's namespace wherever it names
// one, and another now and then.
func (g *generator) nameNamespaces(c *oracleCase, message protoreflect.Message) {
	name, stray, atTop, within := c.values["namespace"], pick(g, "other", "x"), g.one(40), g.one(40)
	namespaces(message.Interface(), func(m protoreflect.Message, field protoreflect.FieldDescriptor) {
		switch {
		case m == message && atTop || m != message && within:
			m.Set(field, protoreflect.ValueOfString(stray))
		case strings.HasSuffix(string(field.Name()), "_id") || name == "" && m != message:
			m.Clear(field)
		case name == "":
			m.Set(field, protoreflect.ValueOfString("default"))
		default:
			m.Set(field, protoreflect.ValueOfString(name))
		}
	})
}

// written gives a message as JSON.
func (g *generator) written(m proto.Message, long bool) []byte {
	options := protojson.MarshalOptions{UseProtoNames: g.one(3), UseEnumNumbers: g.one(5), EmitUnpopulated: g.one(10)}
	text, err := options.Marshal(m)
	if err == nil && !long && !g.one(4) {
		// In shorthand, if each of the payloads has one.
		short, err := temporalproto.CustomJSONMarshalOptions{
			Metadata: map[string]any{common.EnablePayloadShorthandMetadataKey: true},
		}.Marshal(m)
		if err == nil {
			text = short
		}
	}
	var laidOut bytes.Buffer // the library's own white space differs from build to build
	if err != nil || json.Compact(&laidOut, text) != nil {
		return []byte("{}")
	}
	if g.one(5) {
		compact := laidOut.String()
		laidOut.Reset()
		_ = json.Indent(&laidOut, []byte(compact), "", "\t")
	}
	return laidOut.Bytes()
}

// spoil changes a document, most often not at all.
func (g *generator) spoil(text []byte) []byte {
	switch g.IntN(10) {
	case 0, 1:
		return g.mutated(text)
	case 2:
		return g.torn(text)
	default:
		return text
	}
}

// mutated changes a value somewhere in the document, or adds one.
func (g *generator) mutated(text []byte) []byte {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var document any
	if decoder.Decode(&document) != nil {
		return text
	}
	places := count(document)
	at := g.IntN(places)
	document = g.change(document, &at)
	changed, err := json.Marshal(document)
	if err != nil {
		return text
	}
	return changed
}

// count counts the values of a document.
func count(value any) int {
	n := 1
	switch v := value.(type) {
	case map[string]any:
		for _, member := range v {
			n += count(member)
		}
	case []any:
		for _, element := range v {
			n += count(element)
		}
	}
	return n
}

// change changes the value at a place, which is counted down.
func (g *generator) change(value any, at *int) any {
	if *at == 0 {
		*at = -1
		return g.other(value)
	}
	*at--
	switch v := value.(type) {
	case map[string]any:
		for _, name := range sortedKeys(v) {
			if *at < 0 {
				break
			}
			v[name] = g.change(v[name], at)
		}
	case []any:
		for i := range v {
			if *at < 0 {
				break
			}
			v[i] = g.change(v[i], at)
		}
	}
	return value
}

// other gives another value: the same one written otherwise, one more member, or
// one of another type.
func (g *generator) other(value any) any {
	if g.one(2) {
		switch v := value.(type) {
		case json.Number:
			return pick[any](g, v.String(), json.RawMessage(v.String()+"e0"), json.RawMessage(v.String()+".0"), " "+v.String())
		case string:
			if _, err := strconv.ParseFloat(v, 64); err == nil {
				return pick[any](g, json.RawMessage(strings.Trim(fmt.Sprintf("%q", v), `"`)), v+"}", v+" 1")
			}
			return v + " "
		case map[string]any:
			v[pick(g, "unknown", "name", "namespace", "@type", "metadata", "", "identity", "Name")] = pick[any](g, nil, "x", 1, true)
			return v
		case []any:
			return append(v, pick[any](g, nil, "x", 1, map[string]any{}))
		}
	}
	return pick[any](g, nil, 7, -1, 1.5, "", "x", "QQ==", "7", true, false, []any{}, []any{nil}, map[string]any{}, map[string]any{"a": 1},
		json.RawMessage("1e3"), json.RawMessage("1E400"), json.RawMessage("-0"), json.RawMessage("12345678901234567890"), "1s", "2030-01-01T00:00:00Z")
}

// torn changes the text without regard for what it says.
func (g *generator) torn(text []byte) []byte {
	at := g.IntN(len(text))
	switch g.IntN(7) {
	case 0:
		return text[:at]
	case 1:
		changed := bytes.Clone(text)
		changed[at] = pick[byte](g, ' ', '"', '\\', '{', '}', ',', ':', '0', 'x', 0, 0xff, 0xc3)
		return changed
	case 2:
		return append(bytes.Clone(text), pick(g, " ", "\n", "{}", "x", "]", ",", "\x00")...)
	case 3:
		return append([]byte(pick(g, " ", "\r\n\t", "x", "[")), text...)
	case 4: // a member twice
		return bytes.Replace(text, []byte("{"), []byte(pick(g, `{"identity":"a","identity":"b",`, `{"unknown":1,`, `{"namespace":null,`)), 1)
	case 5: // a member twice, in a value perhaps
		return bytes.Replace(text, []byte("{}"), []byte(pick(g, `{"a":1,"a":2}`, `{"a":1E400}`, `1e400`)), 1)
	default:
		return bytes.Replace(text, []byte(`"`), []byte(pick(g, `"\u00e4`, `"\ud800`, `"\x`, `"\/`)), 1)
	}
}
