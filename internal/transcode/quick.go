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
		switch {
		case f.repeated || f.key != nil:
			end := runEnd(wire, at, number, wireType)
			if end < 0 {
				return separate, errWire
			}
			separate, err = w.member(run{field: f, several: true}, wire[begin:end], depth, separate)
			at = end
		case wireType == protowire.BytesType:
			content, size := bytesAt(wire, at)
			if size < 0 {
				return separate, errWire
			}
			at += size
			separate, err = w.quickBytes(f, content, depth, separate)
		case wireType == protowire.VarintType:
			v, size := varintAt(wire, at)
			if size < 0 {
				return separate, errWire
			}
			at += size
			if f.presence || cutTo(f.kind, v) != 0 {
				w.label(f, separate)
				separate = true
				w.varint(f, v)
			}
		default:
			size := valueSize(wire[at:], number, wireType)
			if size < 0 {
				return separate, errWire
			}
			value := wire[at : at+size]
			at += size
			if f.presence || !isDefault(f, value) {
				w.label(f, separate)
				separate = true
				_, err = w.scalar(f, value)
			}
		}
		if err != nil {
			return separate, err
		}
	}
	return separate, nil
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
