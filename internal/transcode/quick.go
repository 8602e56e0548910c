package transcode

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// errUntidy ends a quick pass over wire bytes that no encoder writes: fields out
// of their order, one field twice, two members of a oneof. The message is written
// once more, carefully. It starts all over, so that what is nested is not written
// twice at each of its levels.
var errUntidy = errors.New("fields out of order")

// quick writes the fields of a message as they come, which is in their order
// from every encoder of protobuf's.
func (w *jsonWriter) quick(m *Message, wire []byte, depth int, separate bool) (bool, error) {
	var last protowire.Number
	var chosen uint64
	for at := 0; at < len(wire); {
		number, wireType, n := tagAt(wire, at)
		if n < 0 {
			return separate, errWire
		}
		begin := at
		at += n
		f := m.field(number)
		if f == nil || !f.takes(wireType) {
			size := valueSize(wire[at:], number, wireType)
			if size < 0 {
				return separate, errWire
			}
			at += size
			continue
		}
		if number <= last {
			return separate, errUntidy
		}
		last = number
		if f.oneof > 0 {
			mask := uint64(1) << (f.oneof & 63) //nolint:mnd // two oneofs that share a bit are only written carefully
			if chosen&mask != 0 {
				return separate, errUntidy
			}
			chosen |= mask
		}
		var err error
		if at, separate, err = w.quickField(f, wire, begin, at, wireType, depth, separate); err != nil {
			return separate, err
		}
	}
	return separate, nil
}

// quickField writes the field that begins at begin, with its value at at, and
// gives where it ends.
func (w *jsonWriter) quickField(
	f *field, wire []byte, begin, at int, wireType protowire.Type, depth int, separate bool,
) (end int, next bool, err error) {
	switch {
	case f.repeated || f.key != nil:
		if end = runEnd(wire, at, f.number, wireType); end < 0 {
			return end, separate, errWire
		}
		separate, err = w.member(run{field: f, several: true}, wire[begin:end], depth, separate)
		return end, separate, err
	case wireType == protowire.BytesType:
		content, size := bytesAt(wire, at)
		if size < 0 {
			return at, separate, errWire
		}
		separate, err = w.quickBytes(f, content, depth, separate)
		return at + size, separate, err
	case wireType == protowire.VarintType:
		v, size := varintAt(wire, at)
		if size < 0 {
			return at, separate, errWire
		}
		if f.presence || cutTo(f.kind, v) != 0 {
			w.label(f, separate)
			separate = true
			w.varint(f, v)
		}
		return at + size, separate, nil
	default:
		size := valueSize(wire[at:], f.number, wireType)
		if size < 0 {
			return at, separate, errWire
		}
		value := wire[at : at+size]
		if f.presence || !isDefault(f, value) {
			w.label(f, separate)
			separate = true
			_, err = w.scalar(f, value)
		}
		return at + size, separate, err
	}
}

func (w *jsonWriter) label(f *field, separate bool) {
	label := f.label
	if !separate {
		label = label[1:]
	}
	w.out = append(w.out, label...)
}

// quickBytes writes a field that has a length: a message, text or bytes.
func (w *jsonWriter) quickBytes(f *field, content []byte, depth int, separate bool) (bool, error) {
	if f.message != nil {
		w.label(f, separate)
		return true, w.message(f.message, content, depth+1)
	}
	if len(content) == 0 && !f.presence {
		return separate, nil
	}
	w.label(f, separate)
	if f.kind == protoreflect.BytesKind {
		w.out = appendBase64(w.out, content)
		return true, nil
	}
	var ok bool
	if w.out, ok = appendText(w.out, content); !ok {
		return true, errText
	}
	return true, nil
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

// varintAt reads a number; size is negative when there is none.
func varintAt(wire []byte, at int) (v uint64, size int) {
	if at < len(wire) && wire[at] < 0x80 {
		return uint64(wire[at]), 1
	}
	return protowire.ConsumeVarint(wire[at:])
}

// bytesAt reads a length and what it measures.
func bytesAt(wire []byte, at int) (content []byte, size int) {
	if at < len(wire) && wire[at] < 0x80 {
		begin := at + 1
		end := begin + int(wire[at])
		if end > len(wire) {
			return nil, -1
		}
		return wire[begin:end], end - at
	}
	content, size = protowire.ConsumeBytes(wire[at:])
	return content, size
}
