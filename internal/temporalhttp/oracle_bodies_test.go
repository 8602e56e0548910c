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

// fillBody sets the body to a random request message in one of the JSON forms. It makes
// some of the bodies invalid.
func (g *generator) fillBody(c *oracleCase) {
	if g.oneIn(25) {
		c.body = pick(g, "", " ", "\n\t", "{}", "null", "[]", "7", `"x"`, "true", "{", "}", "{}{}", "{} x", "\ufeff{}", "//\n{}")
		return
	}
	if _, inPath := c.pathValues["namespace"]; !inPath && g.oneIn(10) {
		c.body = "{}"
		return
	}
	message := g.Message(messageType(c.rule.method.Input()))
	g.setNamespaces(c, message)
	longForm := g.oneIn(4)
	if longForm {
		c.header.Set("Content-Type", pick(g, "application/json+no-payload-shorthand", "application/json+pretty+no-payload-shorthand"))
	}
	c.body = string(g.corrupt(g.marshal(message.Interface(), longForm)))
}

// setNamespaces sets the namespaces in the message to the one in the path. In some
// messages, it sets another namespace at the top level or in nested messages.
func (g *generator) setNamespaces(c *oracleCase, message protoreflect.Message) {
	name, other, otherAtTop, otherNested := c.pathValues["namespace"], pick(g, "other", "x"), g.oneIn(40), g.oneIn(40)
	visitNamespaces(message.Interface(), func(m protoreflect.Message, field protoreflect.FieldDescriptor) {
		switch {
		case m == message && otherAtTop || m != message && otherNested:
			m.Set(field, protoreflect.ValueOfString(other))
		case strings.HasSuffix(string(field.Name()), "_id") || name == "" && m != message:
			m.Clear(field)
		case name == "":
			m.Set(field, protoreflect.ValueOfString("default"))
		default:
			m.Set(field, protoreflect.ValueOfString(name))
		}
	})
}

// marshal returns a message as JSON, with random options. longForm excludes the payload shorthand.
func (g *generator) marshal(m proto.Message, longForm bool) []byte {
	options := protojson.MarshalOptions{UseProtoNames: g.oneIn(3), UseEnumNumbers: g.oneIn(5), EmitUnpopulated: g.oneIn(10)}
	text, err := options.Marshal(m)
	if err == nil && !longForm && !g.oneIn(4) {
		// Marshal fails if a payload has no shorthand.
		short, err := temporalproto.CustomJSONMarshalOptions{
			Metadata: map[string]any{common.EnablePayloadShorthandMetadataKey: true},
		}.Marshal(m)
		if err == nil {
			text = short
		}
	}
	var out bytes.Buffer // without the white space of protojson, which differs between builds
	if err != nil || json.Compact(&out, text) != nil {
		return []byte("{}")
	}
	if g.oneIn(5) {
		compact := out.String()
		out.Reset()
		_ = json.Indent(&out, []byte(compact), "", "\t")
	}
	return out.Bytes()
}

// corrupt changes some documents and returns the others unchanged.
func (g *generator) corrupt(text []byte) []byte {
	switch g.IntN(10) {
	case 0, 1:
		return g.changeValue(text)
	case 2:
		return g.corruptText(text)
	default:
		return text
	}
}

// changeValue changes a random value in the document, or adds a value.
func (g *generator) changeValue(text []byte) []byte {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var document any
	if decoder.Decode(&document) != nil {
		return text
	}
	index := g.IntN(countValues(document))
	document = g.change(document, &index)
	changed, err := json.Marshal(document)
	if err != nil {
		return text
	}
	return changed
}

// countValues returns the number of values in a document, including nested ones.
func countValues(value any) int {
	n := 1
	switch v := value.(type) {
	case map[string]any:
		for _, member := range v {
			n += countValues(member)
		}
	case []any:
		for _, element := range v {
			n += countValues(element)
		}
	}
	return n
}

// change replaces the value at the given index in depth-first order, and sets the index
// to -1 once it has done so.
func (g *generator) change(value any, index *int) any {
	if *index == 0 {
		*index = -1
		return g.otherValue(value)
	}
	*index--
	switch v := value.(type) {
	case map[string]any:
		for _, name := range sortedKeys(v) {
			if *index < 0 {
				break
			}
			v[name] = g.change(v[name], index)
		}
	case []any:
		for i := range v {
			if *index < 0 {
				break
			}
			v[i] = g.change(v[i], index)
		}
	}
	return value
}

// otherValue returns the value in another notation or with an additional member, or
// returns a value of another type.
func (g *generator) otherValue(value any) any {
	if g.oneIn(2) {
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

// corruptText makes a random change that ignores the structure of the JSON.
func (g *generator) corruptText(text []byte) []byte {
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
	case 4: // duplicate or unknown members
		return bytes.Replace(text, []byte("{"), []byte(pick(g, `{"identity":"a","identity":"b",`, `{"unknown":1,`, `{"namespace":null,`)), 1)
	case 5: // duplicate members or large numbers in a value
		return bytes.Replace(text, []byte("{}"), []byte(pick(g, `{"a":1,"a":2}`, `{"a":1E400}`, `1e400`)), 1)
	default:
		return bytes.Replace(text, []byte(`"`), []byte(pick(g, `"\u00e4`, `"\ud800`, `"\x`, `"\/`)), 1)
	}
}
