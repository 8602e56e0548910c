package transcode

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// errNonCanonical ends a quick pass over wire bytes that no encoder writes: fields out
// of their order, one field twice, two members of a oneof. The message is written
// once more, carefully. It starts all over, so that what is nested is not written
// twice at each of its levels.
var errNonCanonical = errors.New("fields out of order")

// The functions of the quick pass are given what is written so far and give it
// back longer: it stays in registers then.

// fastObject writes a message as an object of its fields. Each of them begins
// with a comma, and the first one's becomes the brace.
func (w *jsonWriter) fastObject(out []byte, m *Message, wire []byte, depth int) ([]byte, error) {
	begin := len(out)
	out, err := w.fastFields(out, m, wire, depth)
	if err != nil {
		return out, err
	}
	if len(out) == begin {
		return append(out, '{', '}'), nil
	}
	out[begin] = '{'
	return append(out, '}'), nil
}

// fastMembers is members in a quick pass.
func (w *jsonWriter) fastMembers(m *Message, wire []byte, depth int, separate bool) (bool, error) {
	before := len(w.out)
	var err error
	if w.out, err = w.fastFields(w.out, m, wire, depth); err != nil || len(w.out) == before {
		return separate, err
	}
	if !separate { // nothing is before the first comma
		w.out = append(w.out[:before], w.out[before+1:]...)
	}
	return true, nil
}

// fastFields writes the fields of a message as they come, which is in their order
// from every encoder of protobuf's. A comma is before each.
func (w *jsonWriter) fastFields(out []byte, m *Message, wire []byte, depth int) ([]byte, error) { //nolint:cyclop // one pass
	if depth >= maxDepth { // whether what it holds is too deep, the careful pass tells
		return out, errDepth
	}
	var o fieldOrder
	for at := 0; at < len(wire); {
		tag, n := wire[at], 1 // as tagAt has it, without the call
		number, wireType := protowire.Number(tag>>3), protowire.Type(tag&7)
		if tag < 8 || tag >= 0x80 {
			if number, wireType, n = protowire.ConsumeTag(wire[at:]); n < 0 {
				return out, errWire
			}
		}
		at += n
		var size int
		var err error
		switch f := m.field(number); {
		case f == nil || !f.acceptsWireType(wireType):
			size = valueSize(wire[at:], number, wireType)
		case o.violatedBy(f):
			return out, errNonCanonical
		case f.repeated && f.message != nil:
			out, size, err = w.fastList(out, f, wire[at:], depth)
		case f.repeated || f.key != nil:
			out, size, err = w.fastRun(out, f, wire[at-n:], depth)
			size -= n
		case wireType == protowire.BytesType:
			var content []byte
			if content, size = bytesAt(wire, at); size > 0 && (len(content) > 0 || f.hasPresence) {
				out, err = w.fastBytes(append(out, f.label...), f, content, depth)
			}
		case wireType == protowire.VarintType:
			var v uint64
			if v, size = varintAt(wire, at); size > 0 && (f.hasPresence || truncate(f.kind, v) != 0) {
				out = appendVarint(append(out, f.label...), f, v)
			}
		default:
			out, size, err = w.fastFixed(out, f, wire[at:])
		}
		if err != nil {
			return out, err
		}
		if size < 0 {
			return out, errWire
		}
		at += size
	}
	return out, nil
}

// fieldOrder is what tells whether the fields of a message come as encoders write
// them.
type fieldOrder struct {
	last   protowire.Number
	oneofs uint64 // oneofs
}

// violatedBy reports whether the field may not come after those before it.
func (o *fieldOrder) violatedBy(f *field) bool {
	if f.number <= o.last || o.oneofs&f.oneofBit != 0 {
		return true
	}
	o.last = f.number
	o.oneofs |= f.oneofBit
	return false
}

// fastFixed writes a number of 32 or 64 bits.
func (w *jsonWriter) fastFixed(out []byte, f *field, wire []byte) (longer []byte, size int, err error) {
	size = valueSize(wire, f.number, f.wireType)
	if size < 0 || !f.hasPresence && isDefault(f, wire[:size]) {
		return out, size, nil
	}
	w.out = append(out, f.label...) //nolint:gocritic // lent to the writer
	_, err = w.scalar(f, wire)
	return w.out, size, err
}

// valueKind is how the quick pass writes the value of a field, or of one element.
type valueKind uint8

const (
	valueMessage valueKind = iota // of a form of its own
	valueText
	valueBytes
	valueObject
	valueTimestamp
	valueDuration
)

func valueKindOf(f *field) valueKind {
	switch {
	case f.kind == protoreflect.StringKind:
		return valueText
	case f.message == nil:
		return valueBytes
	case f.message.form == formObject:
		return valueObject
	case f.message.form == formTimestamp:
		return valueTimestamp
	case f.message.form == formDuration:
		return valueDuration
	default:
		return valueMessage
	}
}

// fastBytes writes a value that has a length: a message, text or bytes.
func (w *jsonWriter) fastBytes(out []byte, f *field, content []byte, depth int) ([]byte, error) {
	switch f.valueKind {
	case valueText:
		out, ok := appendText(out, content)
		if !ok {
			return out, errInvalidUTF8
		}
		return out, nil
	case valueBytes:
		return appendBase64(out, content), nil
	case valueObject:
		return w.fastObject(out, f.message, content, depth+1)
	case valueTimestamp:
		return w.timestamp(out, content)
	case valueDuration:
		return w.duration(out, content)
	default:
		w.out = out
		err := w.message(f.message, content, depth+1)
		return w.out, err
	}
}

// fastList writes the messages that follow each other. Wire begins behind the
// first one's tag.
func (w *jsonWriter) fastList(out []byte, f *field, wire []byte, depth int) (longer []byte, size int, err error) {
	out = append(out, f.label...)
	begin := len(out)
	for at := 0; ; at += len(f.tag) {
		content, size := bytesAt(wire, at)
		if size < 0 {
			return out, size, nil
		}
		at += size
		if out, err = w.fastBytes(append(out, ','), f, content, depth); err != nil {
			return out, at, err
		}
		if len(wire)-at < len(f.tag) || string(wire[at:at+len(f.tag)]) != string(f.tag) {
			out[begin] = '['
			return append(out, ']'), at, nil
		}
	}
}

// fastRun writes what follows each other as the careful pass does, with
// the tags.
func (w *jsonWriter) fastRun(out []byte, f *field, wire []byte, depth int) (longer []byte, size int, err error) {
	number, wireType, n := tagAt(wire, 0)
	if size = runEnd(wire, n, number, wireType); size < 0 {
		return out, size, errWire
	}
	w.out = out
	_, err = w.member(run{field: f, multiple: true}, wire[:size], depth, true)
	return w.out, size, err
}

// runEnd finds where the elements that follow each other end. At is behind the
// first one's tag.
func runEnd(wire []byte, at int, number protowire.Number, wireType protowire.Type) int {
	for {
		size := valueSize(wire[at:], number, wireType)
		if size < 0 {
			return -1
		}
		at += size
		if at == len(wire) {
			return at
		}
		next, nextType, n := tagAt(wire, at)
		if n < 0 {
			return -1
		}
		if next != number || nextType != wireType {
			return at
		}
		at += n
	}
}
