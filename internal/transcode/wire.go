package transcode

import "google.golang.org/protobuf/encoding/protowire"

// tagAt reads a tag; n is negative when there is none.
func tagAt(wire []byte, at int) (number protowire.Number, wireType protowire.Type, n int) {
	if b := wire[at]; b < 0x80 && b >= 8 { // a tag of one byte, with a number above 0
		return protowire.Number(b >> 3), protowire.Type(b & 7), 1
	}
	return protowire.ConsumeTag(wire[at:])
}

// valueSize is the length of a value, negative when it is not whole.
func valueSize(wire []byte, number protowire.Number, wireType protowire.Type) int {
	if wireType == protowire.BytesType && len(wire) > 0 && wire[0] < 0x80 {
		if size := 1 + int(wire[0]); size <= len(wire) {
			return size
		}
		return -1
	}
	return protowire.ConsumeFieldValue(number, wireType, wire)
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

// acceptsWireType reports whether the field may have that form on the wire. A repeated
// scalar has two; anything else is an unknown field to a decoder.
func (f *field) acceptsWireType(wireType protowire.Type) bool {
	return f.acceptedTypes>>wireType&1 != 0
}

// setAcceptedTypes makes takes know the field.
func (f *field) setAcceptedTypes() {
	if f.wireType != protowire.StartGroupType {
		f.acceptedTypes = 1 << f.wireType
	}
	if f.repeated && f.message == nil {
		f.acceptedTypes |= 1 << protowire.BytesType
	}
}
