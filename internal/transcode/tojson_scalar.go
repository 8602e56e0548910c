package transcode

import (
	"encoding/binary"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// isDefault reports whether a scalar is what an absent one means.
func isDefault(f *field, value []byte) bool {
	switch f.wireType {
	case protowire.BytesType:
		size, n := protowire.ConsumeVarint(value)
		return n > 0 && size == 0
	case protowire.VarintType:
		v, n := protowire.ConsumeVarint(value)
		return n > 0 && cutTo(f.kind, v) == 0
	default:
		for _, b := range value {
			if b != 0 {
				return false // a negative zero is one too
			}
		}
		return true
	}
}

// cutTo cuts a varint to the width of its kind: a decoder drops what is above.
func cutTo(kind protoreflect.Kind, v uint64) uint64 {
	switch kind {
	case protoreflect.Int32Kind, protoreflect.Uint32Kind, protoreflect.Sint32Kind, protoreflect.EnumKind:
		return uint64(uint32(v)) //nolint:gosec // it is cut on purpose
	default:
		return v
	}
}

// scalar writes the value at the begin of wire, and gives its length.
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
			return 0, errText
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
		w.varint(f, v)
		return n, nil
	}
}

func (w *jsonWriter) fixed32(kind protoreflect.Kind, v uint32) {
	switch kind {
	case protoreflect.FloatKind:
		w.out = appendFloat(w.out, float64(math.Float32frombits(v)), 32)
	case protoreflect.Sfixed32Kind:
		w.out = strconv.AppendInt(w.out, int64(int32(v)), 10) //nolint:gosec // two's complement
	default:
		w.out = strconv.AppendUint(w.out, uint64(v), 10)
	}
}

func (w *jsonWriter) fixed64(f *field, v uint64) {
	switch f.kind {
	case protoreflect.DoubleKind:
		w.out = appendFloat(w.out, math.Float64frombits(v), 64)
	case protoreflect.Sfixed64Kind:
		w.int64(f, int64(v)) //nolint:gosec // two's complement
	default:
		w.uint64(f, v)
	}
}

//nolint:gosec // two's complement, cut to the field's width
func (w *jsonWriter) varint(f *field, v uint64) {
	switch f.kind {
	case protoreflect.BoolKind:
		w.out = strconv.AppendBool(w.out, v != 0)
	case protoreflect.EnumKind:
		w.enum(f.enum, int32(v))
	case protoreflect.Int32Kind:
		w.out = strconv.AppendInt(w.out, int64(int32(v)), 10)
	case protoreflect.Uint32Kind:
		w.out = strconv.AppendUint(w.out, uint64(uint32(v)), 10)
	case protoreflect.Sint32Kind:
		w.out = strconv.AppendInt(w.out, int64(int32(protowire.DecodeZigZag(v&math.MaxUint32))), 10)
	case protoreflect.Uint64Kind:
		w.uint64(f, v)
	case protoreflect.Sint64Kind:
		w.int64(f, protowire.DecodeZigZag(v))
	default:
		w.int64(f, int64(v))
	}
}

func (w *jsonWriter) enum(e *enum, v int32) {
	if e.null {
		w.out = append(w.out, "null"...)
		return
	}
	if label := e.label(v); label != nil {
		w.out = append(w.out, label...)
		return
	}
	if e.named { // a value that is newer than the gateway is a name too
		w.out = append(strconv.AppendInt(append(w.out, '"'), int64(v), 10), '"')
		return
	}
	w.out = strconv.AppendInt(w.out, int64(v), 10)
}

// int64 and uint64 write 64 bits as strings, because a JSON number often ends up
// in a double; in views as the numbers that they are.
func (w *jsonWriter) int64(f *field, v int64) {
	if f.number64 {
		w.out = strconv.AppendInt(w.out, v, 10)
		return
	}
	w.out = append(strconv.AppendInt(append(w.out, '"'), v, 10), '"')
}

func (w *jsonWriter) uint64(f *field, v uint64) {
	if f.number64 {
		w.out = strconv.AppendUint(w.out, v, 10)
		return
	}
	w.out = append(strconv.AppendUint(append(w.out, '"'), v, 10), '"')
}
