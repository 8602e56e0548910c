package payload

import (
	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/encoding/protowire"
)

// Wire is a payload (temporal.api.common.v1.Payload) as it is read from its wire
// form, without being built. All of it points into the wire bytes.
type Wire struct {
	// Encoding, Type and MessageType are the metadata that have a meaning here.
	Encoding, Type, MessageType []byte
	Data                        []byte
	// MetadataCount counts the entries of the metadata.
	MetadataCount int
	// OtherFields says that there is more than metadata and data.
	OtherFields bool
}

// Field numbers of Payload, and of a map's entry.
const (
	fieldMetadata = 1
	fieldData     = 2

	entryKey   = 1
	entryValue = 2
)

// Read reads a payload; ok is false when the wire bytes are not those that an
// encoder writes, for which a decoder is needed.
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

// next reads a length-delimited field, and where it ends: negative when it is
// none.
func next(wire []byte, at int) (number protowire.Number, value []byte, end int) {
	const (
		oneByte = 0x80 // what is below it stands for itself: most sizes
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

// readMetadata reads one entry; of a key that is there twice a decoder keeps the
// last, which is left to it.
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
	var of *[]byte
	switch string(key) {
	case MetadataEncoding:
		of = &p.Encoding
	case metadataType:
		of = &p.Type
	case MetadataMessageType:
		of = &p.MessageType
	default:
		return true
	}
	if *of != nil {
		return false
	}
	*of = content
	return true
}

// JSON gives the data of a payload that holds JSON, as plain JSON or as that of a
// protobuf message.
func (p Wire) JSON() (value jsontext.Value, ok bool) {
	switch string(p.Encoding) {
	case EncodingJSON, EncodingProto:
		return validJSON(p.Data)
	default:
		return nil, false
	}
}

// Plain is [ToJSON] on a payload's wire form.
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
