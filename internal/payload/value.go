package payload

import (
	"github.com/go-json-experiment/json/jsontext"
	"go.temporal.io/api/common/v1"
)

// Names and values of payload metadata, as the SDKs' default data converters
// write them.
const (
	MetadataEncoding    = "encoding"
	metadataType        = "type"
	MetadataMessageType = "messageType"

	EncodingJSON  = "json/plain"
	EncodingProto = "json/protobuf"
	EncodingNull  = "binary/null"
)

const null = "null"

// FromJSON makes the payload that the SDKs make of one value: binary/null for
// null, else json/plain with the value's own bytes. The payload keeps value.
func FromJSON(value jsontext.Value) *common.Payload {
	if value.Kind() == 'n' {
		return &common.Payload{Metadata: map[string][]byte{MetadataEncoding: []byte(EncodingNull)}}
	}
	return &common.Payload{
		Metadata: map[string][]byte{MetadataEncoding: []byte(EncodingJSON)},
		Data:     value,
	}
}

// FromValues makes the payloads of a list of arguments, as [EncodeList] does. No
// arguments are nil, which differs from one argument null (temporal.md 1.0).
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

// ToJSON gives the value of a payload that is plain JSON or null. For any other
// payload, and for data that is not valid JSON, ok is false: it has to be shown
// with its metadata.
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

// Readable gives the JSON that a payload of another encoding holds, as for
// json/protobuf, to be shown beside its metadata and data.
func Readable(p *common.Payload) (value jsontext.Value, ok bool) {
	switch string(p.GetMetadata()[MetadataEncoding]) {
	case EncodingProto, EncodingJSON:
		return validJSON(p.GetData())
	default:
		return nil, false
	}
}

// maxDepth is how deep a value may nest to be shown as JSON. Readers give up
// somewhere, ours at 10,000 levels with those of what is around the value.
const maxDepth = 5000

// depthOf is how deep valid JSON nests.
func depthOf(value []byte) (deepest int) {
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
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}

// trimSpace is what stands between white space: JSON's own, as Unicode's is not
// valid around a value.
func trimSpace(data []byte) []byte {
	begin, end := skipSpace(data, 0), len(data)
	for end > begin && skipSpace(data[end-1:end], 0) == 1 {
		end--
	}
	return data[begin:end]
}

// validJSON accepts what any JSON reader accepts. Duplicate names are left to
// the reader: a worker may have written them, and dropping or refusing them
// would lose data.
func validJSON(data []byte) (jsontext.Value, bool) {
	value := jsontext.Value(trimSpace(data))
	if !isSimpleJSON(value) && (!value.IsValid(jsontext.AllowDuplicateNames(true)) || depthOf(value) > maxDepth) {
		return nil, false
	}
	return value, true
}
