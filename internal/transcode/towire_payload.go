package transcode

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/flowgate/flowgate/internal/payload"
)

// payload reads a payload in shorthand: the JSON becomes, byte for byte, the data
// of a json/plain payload. An object that looks like the long form is read as
// the long form, as in Temporal's own HTTP API.
func (w *wireWriter) payload(m *Plan) error {
	value, err := w.in.ReadValue()
	if err != nil {
		return err
	}
	kind := value.Kind()
	if kind == 'n' {
		w.metadata(payload.MetadataEncoding, []byte(payload.EncodingNull))
		return nil
	}
	// Only an object with one of these names may be something else than a value. An escape may hide a name.
	if kind == '{' && (bytes.Contains(value, []byte("metadata")) || bytes.Contains(value, []byte(messageTypeMember)) || bytes.IndexByte(value, '\\') >= 0) {
		return w.taggedObject(m, value.Clone())
	}
	w.metadata(payload.MetadataEncoding, []byte(payload.EncodingJSON))
	w.data(value)
	return nil
}

func (w *wireWriter) metadata(key string, value []byte) {
	w.out = protowire.AppendTag(w.out, payloadMetadata, protowire.BytesType)
	begin := len(w.out)
	w.out = protowire.AppendString(protowire.AppendTag(w.out, 1, protowire.BytesType), key)
	w.out = protowire.AppendBytes(protowire.AppendTag(w.out, 2, protowire.BytesType), value) //nolint:mnd // the value of a map entry
	w.prefixLength(begin)
}

func (w *wireWriter) data(value []byte) {
	w.out = protowire.AppendBytes(protowire.AppendTag(w.out, payloadData, protowire.BytesType), value)
}

// taggedObject reads an object that may be a payload in the long form, or a
// protobuf message with its type, or a plain value.
func (w *wireWriter) taggedObject(m *Plan, value jsontext.Value) error {
	s := shapeOf(value)
	if s.isLongForm() {
		return w.nested(value, func(inner *wireWriter) error { return inner.object(m, false) })
	}
	if s.messageType == nil {
		w.metadata(payload.MetadataEncoding, []byte(payload.EncodingJSON))
		w.data(value)
		return nil
	}
	if s.messageType.Kind() != '"' {
		return invalidInput(messageTypeMember + " must be a string")
	}
	name, err := jsontext.AppendUnquote(nil, s.messageType)
	if err != nil {
		return err
	}
	rest, err := removeMember(value, messageTypeMember)
	if err != nil {
		return err
	}
	w.metadata(payload.MetadataEncoding, []byte(payload.EncodingProto))
	w.metadata(payload.MetadataMessageType, name)
	w.data(rest)
	return nil
}

// removeMember returns an object without one member. It does not change the
// other members.
func removeMember(object jsontext.Value, member string) ([]byte, error) {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(object))
	if _, err := decoder.ReadToken(); err != nil {
		return nil, err
	}
	for begin := decoder.InputOffset(); decoder.PeekKind() == '"'; begin = decoder.InputOffset() {
		name, err := decoder.ReadToken()
		if err != nil {
			return nil, err
		}
		found := name.String() == member
		if err := decoder.SkipValue(); err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		before, after := object[:begin], object[decoder.InputOffset():]
		if rest := bytes.TrimLeft(after, " \t\r\n"); begin == 1 && rest[0] == ',' { // the removed member is the first of several
			after = rest[1:]
		}
		return append(before.Clone(), after...), nil
	}
	return object, nil
}
