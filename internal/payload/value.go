package payload

import (
	"github.com/go-json-experiment/json/jsontext"
	"go.temporal.io/api/common/v1"
)

// Keys and values of payload metadata, as the default data converters of the SDKs write them.
const (
	MetadataEncoding    = "encoding"
	metadataType        = "type"
	MetadataMessageType = "messageType"

	EncodingJSON  = "json/plain"
	EncodingProto = "json/protobuf"
	EncodingNull  = "binary/null"
)

const null = "null"

// FromJSON converts a value to a payload as the SDKs do: the encoding is binary/null for null and json/plain for any
// other value. The payload refers to the bytes of value and does not copy them.
func FromJSON(value jsontext.Value) *common.Payload {
	if value.Kind() == 'n' {
		return &common.Payload{Metadata: map[string][]byte{MetadataEncoding: []byte(EncodingNull)}}
	}
	return &common.Payload{
		Metadata: map[string][]byte{MetadataEncoding: []byte(EncodingJSON)},
		Data:     value,
	}
}

// FromValues encodes a list of arguments with [EncodeList]. For no arguments it returns nil, which Temporal
// distinguishes from one argument that is null.
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

// ToJSON returns the value of a payload whose encoding is json/plain or binary/null. For any other encoding, and for
// data that is not valid JSON, ok is false; a response must then contain the payload with its metadata instead of a
// value.
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

// Readable returns the data of a payload whose encoding is json/protobuf or json/plain, if the data is valid JSON. A
// response that contains a payload with its metadata also contains this value, so that clients need not decode the
// data.
func Readable(p *common.Payload) (value jsontext.Value, ok bool) {
	switch string(p.GetMetadata()[MetadataEncoding]) {
	case EncodingProto, EncodingJSON:
		return validJSON(p.GetData())
	default:
		return nil, false
	}
}

// maxDepth is the maximum nesting of a value that is returned as JSON. It leaves room for the objects that enclose the
// value in a response, because JSON decoders limit the nesting of a document, the gateway's to 10,000 levels.
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

// trimSpace trims the white space that JSON allows, which is less than that of Unicode.
func trimSpace(data []byte) []byte {
	begin, end := skipSpace(data, 0), len(data)
	for end > begin && skipSpace(data[end-1:end], 0) == 1 {
		end--
	}
	return data[begin:end]
}

// validJSON returns data without leading and trailing white space, if it is valid JSON. It allows duplicate names,
// because a worker may have written them, and rejecting or dropping them would lose data.
func validJSON(data []byte) (jsontext.Value, bool) {
	value := jsontext.Value(trimSpace(data))
	if !isSimpleJSON(value) && (!value.IsValid(jsontext.AllowDuplicateNames(true)) || depthOf(value) > maxDepth) {
		return nil, false
	}
	return value, true
}
