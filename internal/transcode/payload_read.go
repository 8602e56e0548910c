package transcode

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/flowgate/flowgate/internal/payload"
)

// Tags of a payload's fields, and of those of an entry of its metadata.
const (
	tagMetadata = payloadMetadata<<3 | byte(protowire.BytesType)
	tagData     = payloadData<<3 | byte(protowire.BytesType)
	tagKey      = 1<<3 | byte(protowire.BytesType)
	tagValue    = 2<<3 | byte(protowire.BytesType)
)

// readPayload is [payload.Read], with a short cut for what encoders write.
func readPayload(wire []byte) (p payload.Wire, ok bool) {
	for at := 0; at < len(wire); {
		tag := wire[at]
		content, size := bytesAt(wire, at+1)
		if size < 0 {
			return payload.Read(wire)
		}
		at += 1 + size
		if tag == tagData {
			p.Data = content
		} else if tag != tagMetadata || !readMetadata(&p, content) {
			return payload.Read(wire)
		}
	}
	return p, true
}

// readMetadata reads an entry that is a key and a value and no more.
func readMetadata(p *payload.Wire, wire []byte) bool {
	if len(wire) == 0 || wire[0] != tagKey {
		return false
	}
	key, size := bytesAt(wire, 1)
	at := 1 + size
	if size < 0 || at >= len(wire) || wire[at] != tagValue {
		return false
	}
	value, size := bytesAt(wire, at+1)
	if at+1+size != len(wire) {
		return false
	}
	var of *[]byte
	switch string(key) {
	case payload.MetadataEncoding:
		of = &p.Encoding
	case "type":
		of = &p.Type
	case payload.MetadataMessageType:
		of = &p.MessageType
	default:
		return false
	}
	if *of != nil {
		return false
	}
	*of = value
	p.Metadata++
	return true
}
