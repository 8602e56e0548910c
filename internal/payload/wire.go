package payload

import (
	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/encoding/protowire"
)

// Wire is a payload (temporal.api.common.v1.Payload) that is read from its wire
// form without decoding it to a message. Its slices point into the wire bytes.
type Wire struct {
	// Encoding, Type and MessageType are the values of the known metadata keys,
	// nil if absent.
	Encoding, Type, MessageType []byte
	Data                        []byte
	// MetadataCount is the number of metadata entries.
	MetadataCount int
	// OtherFields reports whether the payload has fields other than metadata
	// and data.
	OtherFields bool
}

// Field numbers of Payload and of map entries.
const (
	fieldMetadata = 1
	fieldData     = 2

	entryKey   = 1
	entryValue = 2
)

// Read reads a payload. ok is false if the wire bytes are invalid or not in the form that
// encoders write. The caller then needs a protobuf decoder.
func Read(wire []byte) (p Wire, ok bool) {
	for at := 0; at < len(wire); {
		number, value, end := next(wire, at)
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

// next reads the length-delimited field at an offset and returns the offset
// after it, which is negative if there is no such field.
func next(wire []byte, at int) (number protowire.Number, value []byte, end int) {
	const (
		oneByte = 0x80 // a length below it takes one byte
		first   = 1<<3 | byte(protowire.BytesType)
		second  = 2<<3 | byte(protowire.BytesType)
	)
	if begin := at + 2; begin <= len(wire) && wire[at+1] < oneByte {
		end = begin + int(wire[at+1])
		switch tag := wire[at]; {
		case end > len(wire):
			return 0, nil, -1
		case tag == first:
			return 1, wire[begin:end], end
		case tag == second:
			return 2, wire[begin:end], end
		}
	}
	return nextField(wire, at)
}

// nextField is next for any tag and any length.
func nextField(wire []byte, at int) (number protowire.Number, value []byte, end int) {
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

// readMetadata reads one metadata entry. It returns false for an entry that
// needs a decoder: an invalid one, or a second one with the same key, of which
// a decoder keeps the last.
func (p *Wire) readMetadata(wire []byte) bool {
	var key, content []byte
	for at := 0; at < len(wire); {
		number, value, end := next(wire, at)
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

// JSON returns the data of a payload whose encoding is json/plain or
// json/protobuf, if it is valid JSON.
func (p Wire) JSON() (value jsontext.Value, ok bool) {
	switch string(p.Encoding) {
	case EncodingJSON, EncodingProto:
		return validJSON(p.Data)
	default:
		return nil, false
	}
}

// Plain is like [ToJSON], for a payload in wire form.
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
