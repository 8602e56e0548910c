package peers

import (
	"encoding/json"
	"io"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/temporalproto"
	"google.golang.org/protobuf/proto"
)

// marshaler is a copy of the marshaler of Temporal's frontend, which is not exported. It encodes messages as protobuf
// JSON with payloads in shorthand form, and other values with encoding/json.
type marshaler struct {
	out temporalproto.CustomJSONMarshalOptions
	in  temporalproto.CustomJSONUnmarshalOptions
}

var _ runtime.Marshaler = marshaler{}

func newMarshaler() marshaler {
	metadata := map[string]any{common.EnablePayloadShorthandMetadataKey: true}
	return marshaler{
		out: temporalproto.CustomJSONMarshalOptions{Metadata: metadata},
		in:  temporalproto.CustomJSONUnmarshalOptions{Metadata: metadata},
	}
}

func (marshaler) ContentType(any) string { return "application/json" }

func (m marshaler) Marshal(v any) ([]byte, error) {
	if message, ok := v.(proto.Message); ok {
		return m.out.Marshal(message)
	}
	return json.Marshal(v)
}

func (m marshaler) Unmarshal(data []byte, v any) error {
	if message, ok := v.(proto.Message); ok {
		return m.in.Unmarshal(data, message)
	}
	return json.Unmarshal(data, v)
}

func (m marshaler) NewDecoder(r io.Reader) runtime.Decoder {
	decoder := json.NewDecoder(r)
	return runtime.DecoderFunc(func(v any) error {
		message, ok := v.(proto.Message)
		if !ok {
			return decoder.Decode(v)
		}
		var raw json.RawMessage
		if err := decoder.Decode(&raw); err != nil {
			return err
		}
		return m.in.Unmarshal(raw, message)
	})
}

func (m marshaler) NewEncoder(w io.Writer) runtime.Encoder {
	return runtime.EncoderFunc(func(v any) error {
		data, err := m.Marshal(v)
		if err != nil {
			return err
		}
		_, err = w.Write(append(data, '\n'))
		return err
	})
}
