package payload

import (
	"iter"

	"github.com/go-json-experiment/json/jsontext"
	"go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/encoding/protowire"
)

// Source is the content of a payload to encode: the value JSON or, if JSON is nil, Metadata and Data.
type Source struct {
	Data     []byte
	JSON     jsontext.Value
	Metadata map[string][]byte
}

// EncodeList encodes payloads in wire form, in one buffer. The returned message contains them as unknown fields, which
// proto.Marshal copies unchanged. This saves memory: a separate message for each payload takes hundreds of bytes, even
// for a value of one byte. The returned message is only for sending: its GetPayloads returns nothing. EncodeList
// iterates over sources twice.
func EncodeList(sources iter.Seq[Source]) *common.Payloads {
	size := 0
	for s := range sources {
		size += fieldSize(s.size())
	}
	wire := make([]byte, 0, size)
	for s := range sources {
		wire = s.appendField(wire, fieldPayloads)
	}
	list := &common.Payloads{}
	list.ProtoReflect().SetUnknown(wire)
	return list
}

// EncodeMemo is like [EncodeList], for the fields of a memo. GetFields of the returned message returns nothing.
func EncodeMemo(sources iter.Seq2[string, Source]) *common.Memo {
	size := 0
	for name, s := range sources {
		size += fieldSize(s.entrySize(name))
	}
	wire := make([]byte, 0, size)
	for name, s := range sources {
		wire = appendTagAndLength(wire, fieldMemoFields, s.entrySize(name))
		wire = appendBytes(wire, entryKey, name)
		wire = s.appendField(wire, entryValue)
	}
	memo := &common.Memo{}
	memo.ProtoReflect().SetUnknown(wire)
	return memo
}

// Field numbers of Payloads and Memo.
const (
	fieldPayloads   = 1
	fieldMemoFields = 1
)

// size returns the size of the payload in wire form, in bytes, without tag and length.
func (s Source) size() int {
	if s.JSON != nil {
		encoding, data := s.encodingAndData()
		return fieldSize(metadataSize(MetadataEncoding, encoding)) + dataSize(data)
	}
	size := dataSize(s.Data)
	for key, value := range s.Metadata {
		size += fieldSize(metadataSize(key, value))
	}
	return size
}

// entrySize returns the size of the map entry that maps name to the payload, without tag and length.
func (s Source) entrySize(name string) int {
	return fieldSize(len(name)) + fieldSize(s.size())
}

// appendField appends the payload as a field with the given number.
func (s Source) appendField(wire []byte, number protowire.Number) []byte {
	wire = appendTagAndLength(wire, number, s.size())
	if s.JSON != nil {
		encoding, data := s.encodingAndData()
		return appendData(appendMetadata(wire, MetadataEncoding, encoding), data)
	}
	for key, value := range s.Metadata {
		wire = appendMetadata(wire, key, value)
	}
	return appendData(wire, s.Data)
}

// encodingAndData returns the encoding and the data of the payload that [FromJSON] returns for the value.
func (s Source) encodingAndData() (encoding string, data []byte) {
	if s.JSON.Kind() == 'n' {
		return EncodingNull, nil
	}
	return EncodingJSON, s.JSON
}

func metadataSize[V string | []byte](key string, value V) int {
	return fieldSize(len(key)) + fieldSize(len(value))
}

func appendMetadata[V string | []byte](wire []byte, key string, value V) []byte {
	wire = appendTagAndLength(wire, fieldMetadata, metadataSize(key, value))
	return appendBytes(appendBytes(wire, entryKey, key), entryValue, value)
}

// dataSize returns the size of the data field. Empty data is encoded without a field.
func dataSize(data []byte) int {
	if len(data) == 0 {
		return 0
	}
	return fieldSize(len(data))
}

func appendData(wire, data []byte) []byte {
	if len(data) == 0 {
		return wire
	}
	return appendBytes(wire, fieldData, data)
}

// fieldSize returns the size of a length-delimited field with content of the given size. The tags of all fields in this
// package take one byte.
func fieldSize(content int) int { return 1 + protowire.SizeBytes(content) }

// appendTagAndLength appends the tag and the length of a field.
func appendTagAndLength(wire []byte, number protowire.Number, length int) []byte {
	wire = protowire.AppendTag(wire, number, protowire.BytesType)
	return protowire.AppendVarint(wire, uint64(length)) //nolint:gosec // a length is not negative
}

func appendBytes[V string | []byte](wire []byte, number protowire.Number, value V) []byte {
	return append(appendTagAndLength(wire, number, len(value)), value...)
}
