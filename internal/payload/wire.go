package payload

import (
	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/encoding/protowire"
)

// Wire is a payload that [Read] has read from its wire form, without decoding it to a message. The slices point into
// the wire bytes.
type Wire struct {
	// Encoding, Type and MessageType are the values of the metadata keys with these names, nil if absent.
	Encoding, Type, MessageType []byte
	Data                        []byte
	// MetadataCount is the number of metadata entries.
	MetadataCount int
	// OtherFields reports whether the payload has fields other than metadata and data.
	OtherFields bool
}

// Field numbers of Payload and of map entries.
const (
	fieldMetadata = 1
	fieldData     = 2

	entryKey   = 1
	entryValue = 2
)

// Read reads a payload (temporal.api.common.v1.Payload). ok is false if the wire bytes are invalid, or valid but
// unusual, such as with a repeated metadata key. The caller must then use a protobuf decoder.
func Read(wire []byte) (p Wire, ok bool) {
	for at := 0; at < len(wire); {
		number, value, end := nextField(wire, at)
		if end < 0 {
			return p, false
		}
		at = end
		switch number {
		case fieldMetadata:
			if !p.readMetadata(value) {
				return p, false
			}
		case fieldData:
			p.Data = value
		default:
			p.OtherFields = true
		}
	}
	return p, true
}

// nextField reads the length-delimited field at an offset. end is the offset after the field, or negative if the bytes
// are not such a field. Fields 1 and 2 with a length below 128 have a fast path.
func nextField(wire []byte, at int) (number protowire.Number, value []byte, end int) {
	const (
		maxShort  = 0x7f // the maximum length that is encoded in one byte
		tagField1 = 1<<3 | byte(protowire.BytesType)
		tagField2 = 2<<3 | byte(protowire.BytesType)
	)
	if begin := at + 2; begin <= len(wire) && wire[at+1] <= maxShort {
		end = begin + int(wire[at+1])
		switch tag := wire[at]; {
		case end > len(wire):
			return 0, nil, -1
		case tag == tagField1:
			return 1, wire[begin:end], end
		case tag == tagField2:
			return 2, wire[begin:end], end
		}
	}
	return nextFieldSlow(wire, at)
}

// nextFieldSlow is nextField for any tag and any length.
func nextFieldSlow(wire []byte, at int) (number protowire.Number, value []byte, end int) {
	number, wireType, n := protowire.ConsumeTag(wire[at:])
	if n < 0 || wireType != protowire.BytesType {
		return 0, nil, -1
	}
	value, size := protowire.ConsumeBytes(wire[at+n:])
	if size < 0 {
		return 0, nil, -1
	}
	return number, value, at + n + size
}

// readMetadata reads one metadata entry. It returns false if the entry is invalid, or repeats a key: a protobuf decoder
// would then drop the earlier entry.
func (p *Wire) readMetadata(wire []byte) bool {
	var key, content []byte
	for at := 0; at < len(wire); {
		number, value, end := nextField(wire, at)
		switch {
		case end < 0:
			return false
		case number == entryKey && key == nil:
			key = value
		case number == entryValue && content == nil:
			content = value
		default:
			return false
		}
		at = end
	}
	p.MetadataCount++
	var target *[]byte
	switch string(key) {
	case MetadataEncoding:
		target = &p.Encoding
	case metadataType:
		target = &p.Type
	case MetadataMessageType:
		target = &p.MessageType
	default:
		return true
	}
	if *target != nil {
		return false
	}
	*target = content
	return true
}

// JSON returns the data of a json/plain or json/protobuf payload, like [Readable]. ok is false for any other payload.
func (p Wire) JSON() (value jsontext.Value, ok bool) {
	switch string(p.Encoding) {
	case EncodingJSON, EncodingProto:
		return validJSON(p.Data)
	default:
		return nil, false
	}
}

// Plain returns the JSON value of a json/plain or binary/null payload, like [ToJSON]. ok is false for any other payload.
func (p Wire) Plain() (value jsontext.Value, ok bool) {
	switch string(p.Encoding) {
	case EncodingNull:
		return jsontext.Value(null), true
	case EncodingJSON:
		return validJSON(p.Data)
	default:
		return nil, false
	}
}
