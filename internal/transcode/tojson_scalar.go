package transcode

import (
	"encoding/binary"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// isDefault reports whether a scalar has its default value.
func isDefault(f *field, value []byte) bool {
	switch f.wireType {
	case protowire.BytesType:
		size, n := protowire.ConsumeVarint(value)
		return n > 0 && size == 0
	case protowire.VarintType:
		v, n := protowire.ConsumeVarint(value)
		return n > 0 && truncate(f.kind, v) == 0
	default:
		for _, b := range value {
			if b != 0 {
				return false // negative zero is not the default value
			}
		}
		return true
	}
}

// truncate truncates a varint to the width of its kind, as a protobuf decoder
// does.
func truncate(kind protoreflect.Kind, v uint64) uint64 {
	switch kind {
	case protoreflect.Int32Kind, protoreflect.Uint32Kind, protoreflect.Sint32Kind, protoreflect.EnumKind:
		return uint64(uint32(v)) //nolint:gosec // truncated on purpose
	default:
		return v
	}
}

// scalar writes the scalar at the start of wire and returns its length in
// bytes.
func (w *jsonWriter) scalar(f *field, wire []byte) (n int, err error) {
	switch f.wireType {
	case protowire.BytesType:
		value, n := protowire.ConsumeBytes(wire)
		if n < 0 {
			return 0, errWire
		}
		if f.kind == protoreflect.BytesKind {
			w.out = appendBase64(w.out, value)
			return n, nil
		}
		var ok bool
		if w.out, ok = appendText(w.out, value); !ok {
			return 0, errInvalidUTF8
		}
		return n, nil
	case protowire.Fixed32Type:
		if len(wire) < 4 { //nolint:mnd // bytes
			return 0, errWire
		}
		w.fixed32(f.kind, binary.LittleEndian.Uint32(wire))
		return 4, nil //nolint:mnd // bytes
	case protowire.Fixed64Type:
		if len(wire) < 8 { //nolint:mnd // bytes
			return 0, errWire
		}
		w.fixed64(f, binary.LittleEndian.Uint64(wire))
		return 8, nil //nolint:mnd // bytes
	default:
		v, n := protowire.ConsumeVarint(wire)
		if n < 0 {
			return 0, errWire
		}
		w.out = appendVarint(w.out, f, v)
		return n, nil
	}
}

func (w *jsonWriter) fixed32(kind protoreflect.Kind, v uint32) {
	switch kind {
	case protoreflect.FloatKind:
		w.out = appendFloat(w.out, float64(math.Float32frombits(v)), 32)
	case protoreflect.Sfixed32Kind:
		w.out = appendInt(w.out, int64(int32(v))) //nolint:gosec // two's complement
	default:
		w.out = appendUint(w.out, uint64(v))
	}
}

func (w *jsonWriter) fixed64(f *field, v uint64) {
	switch f.kind {
	case protoreflect.DoubleKind:
		w.out = appendFloat(w.out, math.Float64frombits(v), 64)
	case protoreflect.Sfixed64Kind:
		w.out = f.appendInt64(w.out, int64(v)) //nolint:gosec // two's complement
	default:
		w.out = f.appendUint64(w.out, v)
	}
}

// appendVarint appends an integer, a boolean or an enum value.
//
//nolint:gosec // two's complement, truncated to the field's width
func appendVarint(dst []byte, f *field, v uint64) []byte {
	switch f.kind {
	case protoreflect.BoolKind:
		return strconv.AppendBool(dst, v != 0)
	case protoreflect.EnumKind:
		return f.enum.append(dst, int32(v))
	case protoreflect.Int32Kind:
		return appendInt(dst, int64(int32(v)))
	case protoreflect.Uint32Kind:
		return appendUint(dst, uint64(uint32(v)))
	case protoreflect.Sint32Kind:
		return appendInt(dst, int64(int32(protowire.DecodeZigZag(v&math.MaxUint32))))
	case protoreflect.Uint64Kind:
		return f.appendUint64(dst, v)
	case protoreflect.Sint64Kind:
		return f.appendInt64(dst, protowire.DecodeZigZag(v))
	default:
		return f.appendInt64(dst, int64(v))
	}
}

// append appends the name of the value v, or the number v if it has no name.
func (e *enum) append(dst []byte, v int32) []byte {
	if e.null { // google.protobuf.NullValue
		return append(dst, "null"...)
	}
	if label := e.label(v); label != nil {
		return append(dst, label...)
	}
	if e.alwaysString { // the value is newer than the gateway
		return append(appendInt(append(dst, '"'), int64(v)), '"')
	}
	return appendInt(dst, int64(v))
}

// appendInt64 and appendUint64 append 64-bit integers as strings, because many
// JSON readers convert numbers to doubles. In views they are numbers.
func (f *field) appendInt64(dst []byte, v int64) []byte {
	if f.numeric64 {
		return appendInt(dst, v)
	}
	return append(appendInt(append(dst, '"'), v), '"')
}

func (f *field) appendUint64(dst []byte, v uint64) []byte {
	if f.numeric64 {
		return appendUint(dst, v)
	}
	return append(appendUint(append(dst, '"'), v), '"')
}
