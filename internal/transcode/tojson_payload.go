package transcode

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/flowgate/flowgate/internal/payload"
)

// A payload has two JSON forms, as in Temporal's HTTP API. The long form is an
// object with metadata and data in base64. The shorthand is the JSON value that
// the data contains; only some payloads have one.

// messageTypeMember is the name of the JSON member that has the message type of
// a json/protobuf payload in shorthand.
const messageTypeMember = "_protoMessageType"

// nullPayload is a binary/null payload in shorthand. The shorthand is not null,
// so that a reader can distinguish it from a json/plain payload whose data is null.
const nullPayload = `{"metadata":{"encoding":"YmluYXJ5L251bGw="}}`

// Field numbers of temporal.api.common.v1.Payload and Payloads.
const (
	payloadMetadata = 1
	payloadData     = 2
	payloadsElement = 1
)

// payload writes a payload in shorthand if possible, and otherwise in the long
// form. The long form has data even if that is empty, because without data an
// object is read as shorthand. Only a binary/null payload needs no data.
func (w *jsonWriter) payload(m *Plan, wire []byte, depth int) error {
	p, ok := payload.Read(wire)
	if ok && (w.shorthand(&p) || w.longForm(&p)) {
		return nil
	}
	var first []byte
	if ok && len(p.Data) == 0 && string(p.Encoding) != payload.EncodingNull {
		first = []byte(`"data":""`)
	}
	return w.object(m, wire, depth, first)
}

// longForm writes a payload in the long form without the plan, which is faster.
// It writes nothing and returns false if the payload has fields or metadata that
// the SDKs do not write.
func (w *jsonWriter) longForm(p *payload.Wire) bool {
	known := 0
	for _, value := range [...][]byte{p.Encoding, p.MessageType, p.Type} {
		if value != nil {
			known++
		}
	}
	if p.OtherFields || known != p.MetadataCount || p.Encoding == nil {
		return false
	}
	if string(p.Encoding) == payload.EncodingJSON {
		w.out = append(w.out, `{"metadata":{"encoding":"anNvbi9wbGFpbg=="`...)
	} else {
		w.out = appendBase64(append(w.out, `{"metadata":{"encoding":`...), p.Encoding)
	}
	if p.MessageType != nil {
		w.out = appendBase64(append(w.out, `,"messageType":`...), p.MessageType)
	}
	if p.Type != nil {
		w.out = appendBase64(append(w.out, `,"type":`...), p.Type)
	}
	w.out = append(w.out, '}')
	if len(p.Data) > 0 || string(p.Encoding) != payload.EncodingNull {
		w.out = appendBase64(append(w.out, `,"data":`...), p.Data)
	}
	w.out = append(w.out, '}')
	return true
}

// shorthand writes a payload in shorthand. It writes nothing and returns false if
// the shorthand would lose data or would be read back as a different payload.
func (w *jsonWriter) shorthand(p *payload.Wire) bool {
	if p.OtherFields {
		return false
	}
	switch string(p.Encoding) {
	case payload.EncodingNull:
		if p.MetadataCount != 1 || len(p.Data) > 0 {
			return false
		}
		w.out = append(w.out, nullPayload...)
	case payload.EncodingJSON:
		if p.MetadataCount != 1 {
			return false
		}
		value, ok := p.JSON()
		if !ok || value[0] == 'n' || ambiguous(value) {
			return false
		}
		w.out = append(w.out, value...)
	case payload.EncodingProto:
		return w.protoShorthand(p)
	default:
		return false
	}
	return true
}

// protoShorthand writes the JSON of a json/protobuf payload with the message
// type as its first member.
func (w *jsonWriter) protoShorthand(p *payload.Wire) bool {
	value, ok := p.JSON()
	if !ok || p.MetadataCount != 2 || len(p.MessageType) == 0 || value[0] != '{' || ambiguous(value) {
		return false
	}
	head, ok := appendText([]byte(`{"`+messageTypeMember+`":`), p.MessageType)
	if !ok {
		return false
	}
	w.out = append(w.out, head...)
	if value[1:].Kind() != '}' { // the object has members
		w.out = append(w.out, ',')
	}
	w.out = append(w.out, value[1:]...)
	return true
}

// shorthands writes a list of payloads as an array of their shorthands. If a
// payload has none, it truncates the output to what it was before and returns
// false. So it must not flush the output.
func (w *jsonWriter) shorthands(wire []byte) (done bool, err error) {
	before := len(w.out)
	w.out = append(w.out, '[')
	needComma := false
	for at := 0; at < len(wire); {
		number, wireType, n := tagAt(wire, at)
		if n < 0 {
			return false, errWire
		}
		at += n
		if number != payloadsElement || wireType != protowire.BytesType {
			size := valueSize(wire[at:], number, wireType)
			if size < 0 {
				return false, errWire
			}
			at += size
			continue
		}
		value, size := bytesAt(wire, at)
		if size < 0 {
			return false, errWire
		}
		at += size
		if needComma {
			w.out = append(w.out, ',')
		}
		needComma = true
		if p, ok := payload.Read(value); !ok || !w.shorthand(&p) {
			w.out = w.out[:before]
			return false, nil
		}
	}
	w.out = append(w.out, ']')
	return true, nil
}

// ambiguous reports whether the JSON data of a payload would be read back as a
// payload in the long form or as a protobuf message.
func ambiguous(value jsontext.Value) bool {
	// An escape such as \u005f may hide the name of a member.
	if value[0] != '{' || !bytes.Contains(value, []byte(messageTypeMember)) && !bytes.Contains(value, []byte(`\u`)) && !mayBeLongForm(value) {
		return false
	}
	shape := shapeOf(value)
	return shape.messageType != nil || shape.isLongForm()
}

// mayBeLongForm reports whether an object may be a payload in the long form. It
// tests the first letter of the first member, because the long form has no
// members but those named below.
func mayBeLongForm(value jsontext.Value) bool {
	for _, c := range value[1:] {
		switch c {
		case ' ', '\t', '\r', '\n', '"':
		default:
			return c == 'm' || c == 'd' || c == 'e' // metadata, data, externalPayloads
		}
	}
	return false
}

// objectShape has the members of an object that determine whether it is a
// value, a payload in the long form or a protobuf message.
type objectShape struct {
	otherMembers   int
	metadata, data jsontext.Value
	external       jsontext.Value
	messageType    jsontext.Value
}

func shapeOf(value jsontext.Value) objectShape {
	var s objectShape
	decoder := jsontext.NewDecoder(bytes.NewBuffer(value), jsontext.AllowDuplicateNames(true))
	if _, err := decoder.ReadToken(); err != nil {
		return s
	}
	for decoder.PeekKind() != '}' {
		name, err := decoder.ReadToken()
		if err != nil {
			return s
		}
		member := name.String()
		content, err := decoder.ReadValue()
		if err != nil {
			return s
		}
		switch member {
		case "metadata":
			s.metadata = content.Clone()
		case "data":
			s.data = content.Clone()
		case "externalPayloads":
			s.external = content.Clone()
		case messageTypeMember:
			s.messageType = content.Clone()
			s.otherMembers++
		default:
			s.otherMembers++
		}
	}
	return s
}

// isLongForm reports whether the object is a payload in the long form. It
// accepts the same members as Temporal's own HTTP API, and requires their values
// to be valid, so that any other object remains a value.
func (s objectShape) isLongForm() bool {
	encoding, ok := encodingOf(s.metadata)
	if !ok || s.otherMembers > 0 || s.external != nil && s.external.Kind() != '[' {
		return false
	}
	if s.data == nil {
		return s.external != nil || encoding == payload.EncodingNull
	}
	if s.data.Kind() != '"' {
		return false
	}
	_, ok = fromBase64(s.data)
	return ok
}

// encodingOf returns the encoding in the metadata of a payload in the long
// form.
func encodingOf(value jsontext.Value) (encoding string, ok bool) {
	if value == nil || value.Kind() != '{' {
		return "", false
	}
	decoder := jsontext.NewDecoder(bytes.NewBuffer(value), jsontext.AllowDuplicateNames(true))
	_, _ = decoder.ReadToken()
	for decoder.PeekKind() == '"' {
		name, err := decoder.ReadToken()
		if err != nil {
			return "", false
		}
		member := name.String()
		content, err := decoder.ReadValue()
		if err != nil || content.Kind() != '"' {
			return "", false
		}
		data, valid := fromBase64(content)
		if !valid {
			return "", false
		}
		if member == payload.MetadataEncoding {
			encoding, ok = string(data), true
		}
	}
	return encoding, ok
}

// fromBase64 decodes a JSON string of base64, in the standard or the URL
// alphabet, with or without padding.
func fromBase64(value jsontext.Value) ([]byte, bool) {
	text, err := jsontext.AppendUnquote(nil, value)
	if err != nil {
		return nil, false
	}
	return decodeBase64(text)
}

func decodeBase64(text []byte) ([]byte, bool) {
	data, err := base64Encoding(text).AppendDecode(nil, text)
	return data, err == nil
}
