package payload

import (
	"iter"

	"github.com/go-json-experiment/json/jsontext"
	"go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/encoding/protowire"
)

// Source is what a payload is made of: a JSON value or, when that is nil,
// metadata and data.
type Source struct {
	Data     []byte
	JSON     jsontext.Value
	Metadata map[string][]byte
}

// EncodeList makes the payloads of sources in wire form, in one buffer: the
// message holds them as unknown fields, which proto.Marshal copies as they are.
// A payload that is built costs hundreds of bytes for a value of one. The
// message is there to be sent: its GetPayloads gives none. Sources are read
// twice.
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

// EncodeMemo is [EncodeList] for a memo: its GetFields gives none.
func EncodeMemo(sources iter.Seq2[string, Source]) *common.Memo {
	size := 0
	for name, s := range sources {
		size += fieldSize(s.entrySize(name))
	}
	wire := make([]byte, 0, size)
	for name, s := range sources {
		wire = appendLength(wire, fieldMemoFields, s.entrySize(name))
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

// size is that of the payload's wire form, without tag and length.
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

func (s Source) entrySize(name string) int {
	return fieldSize(len(name)) + fieldSize(s.size())
}

// appendField appends the payload as a field of a message.
func (s Source) appendField(wire []byte, number protowire.Number) []byte {
	wire = appendLength(wire, number, s.size())
	if s.JSON != nil {
		encoding, data := s.encodingAndData()
		return appendData(appendMetadata(wire, MetadataEncoding, encoding), data)
	}
	for key, value := range s.Metadata {
		wire = appendMetadata(wire, key, value)
	}
	return appendData(wire, s.Data)
}

// encodingAndData is what [FromJSON] makes of a value.
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
	wire = appendLength(wire, fieldMetadata, metadataSize(key, value))
	return appendBytes(appendBytes(wire, entryKey, key), entryValue, value)
}

// dataSize leaves out what is empty, as an encoder does.
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

// fieldSize is that of a field with a tag of one byte, as all of them are here.
func fieldSize(content int) int { return 1 + protowire.SizeBytes(content) }

func appendLength(wire []byte, number protowire.Number, length int) []byte {
	wire = protowire.AppendTag(wire, number, protowire.BytesType)
	return protowire.AppendVarint(wire, uint64(length)) //nolint:gosec // a length is not negative
}

func appendBytes[V string | []byte](wire []byte, number protowire.Number, value V) []byte {
	return append(appendLength(wire, number, len(value)), value...)
}
