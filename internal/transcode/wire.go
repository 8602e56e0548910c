package transcode

import (
	"iter"

	"google.golang.org/protobuf/encoding/protowire"
)

// tagAt reads the tag at an offset and returns its length n, which is negative
// if the tag is invalid.
func tagAt(wire []byte, at int) (number protowire.Number, wireType protowire.Type, n int) {
	if b := wire[at]; b < 0x80 && b >= 8 { // a tag of one byte with a field number above 0
		return protowire.Number(b >> 3), protowire.Type(b & 7), 1
	}
	return protowire.ConsumeTag(wire[at:])
}

// valueSize returns the length of the value at the start of wire, which is
// negative if the value is invalid or truncated.
func valueSize(wire []byte, number protowire.Number, wireType protowire.Type) int {
	if wireType == protowire.BytesType && len(wire) > 0 && wire[0] < 0x80 {
		if size := 1 + int(wire[0]); size <= len(wire) {
			return size
		}
		return -1
	}
	return protowire.ConsumeFieldValue(number, wireType, wire)
}

// varintAt reads the varint at an offset and returns its length, which is
// negative if the varint is invalid.
func varintAt(wire []byte, at int) (v uint64, size int) {
	if at < len(wire) && wire[at] < 0x80 {
		return uint64(wire[at]), 1
	}
	return protowire.ConsumeVarint(wire[at:])
}

// bytesAt reads the length-delimited value at an offset. It returns the content
// and the length of the whole value, which is negative if the value is invalid.
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

// lengthDelimited returns the content of a length-delimited value, without the
// length. The length must be valid.
func lengthDelimited(value []byte) []byte {
	inner, _ := bytesAt(value, 0)
	return inner
}

// acceptsWireType reports whether the field may have a wire type. A repeated
// scalar has two, packed and unpacked; a decoder takes any other wire type as
// an unknown field.
func (f *field) acceptsWireType(wireType protowire.Type) bool {
	return f.acceptedTypes>>wireType&1 != 0
}

// setAcceptedTypes sets the bits that acceptsWireType reads.
func (f *field) setAcceptedTypes() {
	if f.wireType != protowire.StartGroupType { // a group is skipped like an unknown field
		f.acceptedTypes = 1 << f.wireType
	}
	if f.repeated && f.message == nil {
		f.acceptedTypes |= 1 << protowire.BytesType
	}
}

// Fields returns the length-delimited fields of a message in wire form, in the
// order of the wire, with the content of each. It is for callers that need a
// few fields only. The sequence ends at the first invalid byte.
func Fields(wire []byte) iter.Seq2[protowire.Number, []byte] {
	return func(yield func(protowire.Number, []byte) bool) {
		for at := 0; at < len(wire); {
			number, wireType, n := tagAt(wire, at)
			if n < 0 {
				return
			}
			size := valueSize(wire[at+n:], number, wireType)
			if size < 0 {
				return
			}
			if wireType == protowire.BytesType && !yield(number, lengthDelimited(wire[at+n:at+n+size])) {
				return
			}
			at += n + size
		}
	}
}
