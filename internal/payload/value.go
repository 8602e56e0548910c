package payload

import (
	"github.com/go-json-experiment/json/jsontext"
	"go.temporal.io/api/common/v1"
)

// Keys and values of payload metadata, as the default data converters of the
// SDKs write them.
const (
	MetadataEncoding    = "encoding"
	metadataType        = "type"
	MetadataMessageType = "messageType"

	EncodingJSON  = "json/plain"
	EncodingProto = "json/protobuf"
	EncodingNull  = "binary/null"
)

const null = "null"

// FromJSON converts a value to a payload as the SDKs do: null becomes
// binary/null, any other value json/plain with the bytes of the value. The
// payload refers to value and does not copy it.
func FromJSON(value jsontext.Value) *common.Payload {
	if value.Kind() == 'n' {
		return &common.Payload{Metadata: map[string][]byte{MetadataEncoding: []byte(EncodingNull)}}
	}
	return &common.Payload{
		Metadata: map[string][]byte{MetadataEncoding: []byte(EncodingJSON)},
		Data:     value,
	}
}

// FromValues encodes a list of arguments by [EncodeList]. It returns nil for no
// arguments, which is not the same as one argument that is null.
func FromValues(values []jsontext.Value) *common.Payloads {
	if len(values) == 0 {
		return nil
	}
	return EncodeList(func(yield func(Source) bool) {
		for _, value := range values {
			if !yield(Source{JSON: value}) {
				return
			}
		}
	})
}

// ToJSON returns the value of a payload that is json/plain or binary/null. For
// any other payload, and for data that is not valid JSON, ok is false, and
// callers must return the payload with its metadata.
func ToJSON(p *common.Payload) (value jsontext.Value, ok bool) {
	switch string(p.GetMetadata()[MetadataEncoding]) {
	case EncodingNull:
		return jsontext.Value(null), true
	case EncodingJSON:
		return validJSON(p.GetData())
	default:
		return nil, false
	}
}

// Readable returns the data of a payload whose encoding is json/protobuf or
// json/plain, if it is valid JSON. Responses contain it in addition to metadata and
// data.
func Readable(p *common.Payload) (value jsontext.Value, ok bool) {
	switch string(p.GetMetadata()[MetadataEncoding]) {
	case EncodingProto, EncodingJSON:
		return validJSON(p.GetData())
	default:
		return nil, false
	}
}

// maxDepth is the maximum nesting of a value that is returned as JSON. JSON
// readers have a limit; that of the gateway is 10,000 levels, enclosing objects
// included.
const maxDepth = 5000

// depthOf returns the nesting depth of valid JSON.
func depthOf(value []byte) (maximum int) {
	level, quoted, escape := 0, false, false
	for _, c := range value {
		switch {
		case quoted:
			quoted = escape || c != '"'
			escape = !escape && c == '\\'
		case c == '"':
			quoted = true
		case c == '{' || c == '[':
			level++
			maximum = max(maximum, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return maximum
}

// trimSpace trims white space, as JSON defines it: JSON does not allow other
// white space of Unicode.
func trimSpace(data []byte) []byte {
	begin, end := skipSpace(data, 0), len(data)
	for end > begin && skipSpace(data[end-1:end], 0) == 1 {
		end--
	}
	return data[begin:end]
}

// validJSON returns data without white space around it, if it is valid JSON. It
// allows duplicate names: a worker may have written them, and rejecting or dropping them
// would lose data.
func validJSON(data []byte) (jsontext.Value, bool) {
	value := jsontext.Value(trimSpace(data))
	if !isSimpleJSON(value) && (!value.IsValid(jsontext.AllowDuplicateNames(true)) || depthOf(value) > maxDepth) {
		return nil, false
	}
	return value, true
}
