package transcode

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// entry is one entry of a map.
type entry struct {
	key, value []byte // wire values; a text key and a message value are without their length
	hasValue   bool   // the entry has a value field
	sortKey    uint64 // of a numeric or boolean key
}

// entries writes a map, sorted by key. If several entries have the same key, it
// writes the last one.
func (w *jsonWriter) entries(f *field, wire []byte, depth int) error {
	var buffer [8]entry
	all := buffer[:0]
	for at := 0; at < len(wire); {
		_, _, n := tagAt(wire, at)
		inner, size := bytesAt(wire, at+n)
		at += n + size
		all = append(all, entry{})
		if err := f.entry(&all[len(all)-1], inner); err != nil {
			return err
		}
	}
	f.sort(all)
	w.out = append(w.out, '{')
	needComma := false
	for i := range all {
		e := &all[i]
		if i+1 < len(all) && f.compare(e, &all[i+1]) == 0 {
			continue
		}
		before := len(w.out)
		if needComma {
			w.out = append(w.out, ',')
		}
		if err := w.key(f.key, e.key); err != nil {
			return err
		}
		w.out = append(w.out, ':')
		wrote, err := w.mapValue(f.value, e, depth)
		if err != nil {
			return err
		}
		if !wrote {
			w.out = w.out[:before]
			continue
		}
		needComma = true
	}
	w.out = append(w.out, '}')
	return nil
}

// entry reads one map entry into e. A missing key or value is the default.
func (f *field) entry(e *entry, wire []byte) error {
	copied := false // e.value is a copy, and does not point into wire
	for at := 0; at < len(wire); {
		number, wireType, n := tagAt(wire, at)
		if n < 0 {
			return errWire
		}
		at += n
		size := valueSize(wire[at:], number, wireType)
		if size < 0 {
			return errWire
		}
		value := wire[at : at+size]
		at += size
		switch {
		case number == f.key.number && wireType == f.key.wireType:
			e.key = value
			if wireType == protowire.BytesType {
				e.key, _ = bytesAt(value, 0)
			}
		case number != f.value.number || wireType != f.value.wireType:
		case f.value.message == nil:
			e.value, e.hasValue = value, true
		default:
			inner, _ := bytesAt(value, 0)
			if !e.hasValue {
				e.value, e.hasValue = inner, true
				continue
			}
			if !copied {
				e.value, copied = slices.Clip(e.value), true
			}
			e.value = append(e.value, inner...) // concatenation merges the occurrences of a message
		}
	}
	if f.key.wireType != protowire.BytesType {
		e.sortKey = f.key.sortKey(e.key)
	}
	return nil
}

// sortKey maps a numeric or boolean key to a number that has the same order as
// the key.
func (f *field) sortKey(key []byte) uint64 {
	const sign = 1 << 63
	switch f.wireType {
	case protowire.VarintType:
		v, _ := protowire.ConsumeVarint(key)
		switch f.kind {
		case protoreflect.Int32Kind:
			return uint64(int64(int32(v))) ^ sign //nolint:gosec // two's complement
		case protoreflect.Sint32Kind, protoreflect.Sint64Kind:
			return uint64(protowire.DecodeZigZag(truncate(f.kind, v))) ^ sign //nolint:gosec // two's complement
		case protoreflect.Int64Kind:
			return v ^ sign
		case protoreflect.BoolKind:
			return min(v, 1)
		default:
			return truncate(f.kind, v)
		}
	case protowire.Fixed32Type:
		if len(key) == 0 {
			return sign // of the key 0
		}
		v := binary.LittleEndian.Uint32(key)
		if f.kind == protoreflect.Sfixed32Kind {
			return uint64(int64(int32(v))) ^ sign //nolint:gosec // two's complement
		}
		return uint64(v) ^ sign
	case protowire.Fixed64Type:
		if len(key) == 0 {
			key = make([]byte, 8) //nolint:mnd // an encoded zero
		}
		v := binary.LittleEndian.Uint64(key)
		if f.kind == protoreflect.Sfixed64Kind {
			v ^= sign
		}
		return v
	default:
		return 0
	}
}

// sort sorts entries by key and is stable. Most maps are small, where an
// insertion sort is fastest.
func (f *field) sort(all []entry) {
	const maxInsertionSort = 12
	if len(all) > maxInsertionSort {
		slices.SortStableFunc(all, func(a, b entry) int { return f.compare(&a, &b) })
		return
	}
	for i := 1; i < len(all); i++ {
		for j := i; j > 0 && f.compare(&all[j], &all[j-1]) < 0; j-- {
			all[j], all[j-1] = all[j-1], all[j]
		}
	}
}

func (f *field) compare(a, b *entry) int {
	if f.key.wireType != protowire.BytesType {
		return cmp.Compare(a.sortKey, b.sortKey)
	}
	return bytes.Compare(a.key, b.key)
}

// key writes a map key, which is always a string in JSON.
func (w *jsonWriter) key(f *field, key []byte) error {
	if f.wireType == protowire.BytesType {
		var ok bool
		if w.out, ok = appendText(w.out, key); !ok {
			return errInvalidUTF8
		}
		return nil
	}
	if key == nil {
		key = zeroValue(f)
	}
	before := len(w.out)
	w.out = append(w.out, '"')
	if _, err := w.scalar(f, key); err != nil {
		return err
	}
	if w.out[before+1] == '"' { // 64-bit integers are strings already
		w.out = append(w.out[:before], w.out[before+1:]...)
		return nil
	}
	w.out = append(w.out, '"')
	return nil
}

// zeroValue returns the wire value of a scalar's default.
func zeroValue(f *field) []byte {
	switch f.wireType {
	case protowire.Fixed32Type:
		return make([]byte, 4) //nolint:mnd // bytes
	case protowire.Fixed64Type:
		return make([]byte, 8) //nolint:mnd // bytes
	default:
		return []byte{0}
	}
}

// mapValue writes the value of an entry. It returns false if the entry is
// omitted.
func (w *jsonWriter) mapValue(f *field, e *entry, depth int) (bool, error) {
	if f.encodeValue != nil {
		var wrote bool
		var err error
		w.out, wrote, err = f.encodeValue(w.out, e.value)
		return wrote, err
	}
	if f.message != nil {
		return true, w.message(f.message, e.value, depth+1)
	}
	value := e.value
	if !e.hasValue {
		value = zeroValue(f)
	}
	_, err := w.scalar(f, value)
	return true, err
}
