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
	// Metadata counts the entries of the metadata.
	Metadata int
	// More says that there is more than metadata and data.
	More bool
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
	for len(wire) > 0 {
		number, value, n := next(wire)
		if n < 0 {
			return p, false
		}
		wire = wire[n:]
		switch number {
		case fieldMetadata:
			if !p.readMetadata(value) {
				return p, false
			}
		case fieldData:
			p.Data = value
		default:
			p.More = true
		}
	}
	return p, true
}

// next reads a length-delimited field; n is negative when there is none.
func next(wire []byte) (number protowire.Number, value []byte, n int) {
	number, wireType, n := protowire.ConsumeTag(wire)
	if n < 0 || wireType != protowire.BytesType {
		return 0, nil, -1
	}
	value, size := protowire.ConsumeBytes(wire[n:])
	if size < 0 {
		return 0, nil, -1
	}
	return number, value, n + size
}

// readMetadata reads one entry; of a key that is there twice a decoder keeps the
// last, which is left to it.
func (p *Wire) readMetadata(wire []byte) bool {
	var parts [entryValue + 1][]byte
	for len(wire) > 0 {
		number, value, n := next(wire)
		if n < 0 || int(number) >= len(parts) || parts[number] != nil {
			return false
		}
		parts[number] = value
		wire = wire[n:]
	}
	p.Metadata++
	var of *[]byte
	switch string(parts[entryKey]) {
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
	*of = parts[entryValue]
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
