package transcode

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// errNonCanonical ends the fast pass over wire bytes that no encoder writes:
// fields out of order, occurrences of a field that are not adjacent, or two
// members of a oneof. The canonical pass then converts the document again from
// the top.
var errNonCanonical = errors.New("fields out of order")

// The functions of the fast pass take the output as a parameter and return it
// extended, so that the slice stays in registers.

// fastObject writes a message as an object of its fields. fastFields writes a
// comma before each field. fastObject replaces the first one by the opening
// brace.
func (w *jsonWriter) fastObject(out []byte, m *Plan, wire []byte, depth int) ([]byte, error) {
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

// fastMembers does in the fast pass what members does in the canonical pass.
func (w *jsonWriter) fastMembers(m *Plan, wire []byte, depth int, needComma bool) (bool, error) {
	before := len(w.out)
	var err error
	if w.out, err = w.fastFields(w.out, m, wire, depth); err != nil || len(w.out) == before {
		return needComma, err
	}
	if !needComma { // no member before it: remove the first comma
		w.out = append(w.out[:before], w.out[before+1:]...)
	}
	return true, nil
}

// fastFields writes the fields of a message in the order of the wire, each
// after a comma.
func (w *jsonWriter) fastFields(out []byte, m *Plan, wire []byte, depth int) ([]byte, error) { //nolint:cyclop // one pass
	if depth >= maxDepth { // the canonical pass decides whether nested messages are too deep
		return out, errDepth
	}
	var o fieldOrder
	for at := 0; at < len(wire); {
		tag, n := wire[at], 1 // tagAt, inlined by hand for speed
		number, wireType := protowire.Number(tag>>3), protowire.Type(tag&7)
		if tag < 8 || tag >= 0x80 { // field number 0, or a tag of several bytes
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
			size -= n // fastRun also counts the first tag
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

// fieldOrder checks that the fields of a message have the order in which
// encoders write them.
type fieldOrder struct {
	last   protowire.Number
	oneofs uint64 // bits of the oneofs that are set
}

// violatedBy reports whether the next field breaks the order. If it does not,
// violatedBy records the field.
func (o *fieldOrder) violatedBy(f *field) bool {
	if f.number <= o.last || o.oneofs&f.oneofBit != 0 {
		return true
	}
	o.last = f.number
	o.oneofs |= f.oneofBit
	return false
}

// fastFixed writes a field of 32 or 64 bits.
func (w *jsonWriter) fastFixed(out []byte, f *field, wire []byte) (extended []byte, size int, err error) {
	size = valueSize(wire, f.number, f.wireType)
	if size < 0 || !f.hasPresence && isDefault(f, wire[:size]) {
		return out, size, nil
	}
	w.out = append(out, f.label...) //nolint:gocritic // scalar appends to w.out
	_, err = w.scalar(f, wire)
	return w.out, size, err
}

// valueKind selects how the fast pass writes the value of a field or of a list
// element.
type valueKind uint8

const (
	valueMessage valueKind = iota // written by jsonWriter.message
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

// fastBytes writes a length-delimited value: a message, a string or bytes.
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

// fastList writes consecutive occurrences of a repeated message field. wire
// begins after the first tag. size is the number of bytes that fastList reads,
// or negative if wire is invalid.
func (w *jsonWriter) fastList(out []byte, f *field, wire []byte, depth int) (extended []byte, size int, err error) {
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

// fastRun writes consecutive occurrences of a repeated scalar or a map as the
// canonical pass does. wire begins with the first tag.
func (w *jsonWriter) fastRun(out []byte, f *field, wire []byte, depth int) (extended []byte, size int, err error) {
	number, wireType, n := tagAt(wire, 0)
	if size = runEnd(wire, n, number, wireType); size < 0 {
		return out, size, errWire
	}
	w.out = out
	_, err = w.member(run{field: f, multiple: true}, wire[:size], depth, true)
	return w.out, size, err
}

// runEnd returns the offset at which consecutive occurrences of a field end, or
// -1 if the wire is invalid. The parameter at is the offset after the first tag.
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
