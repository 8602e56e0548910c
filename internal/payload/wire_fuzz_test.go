package payload_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/payload"
)

// FuzzRead compares the result of Read with the message that a protobuf decoder returns.
func FuzzRead(f *testing.F) {
	field := func(number protowire.Number, content string) []byte {
		return protowire.AppendString(protowire.AppendTag(nil, number, protowire.BytesType), content)
	}
	entry := func(key, value string) []byte {
		return field(1, string(append(field(1, key), field(2, value)...)))
	}
	json, typed, data := entry("encoding", "json/plain"), entry("type", "Int"), field(2, "1")
	for _, parts := range [][][]byte{
		{},
		{json, data},
		{typed, json, data},
		{data, json},
		{json, json, data},
		{entry("messageType", ""), data, data},
		{entry("other", "x"), json},
		{field(1, ""), data},
		{json, field(3, "x")},
		{json, {0x10, 1}},
		{field(1, string(field(2, "json/plain")))},
		{json, {0x12}},
		{{2, 0}},
		{{0x92, 0, 1, 'x'}},
	} {
		var wire []byte
		for _, part := range parts {
			wire = append(wire, part...)
		}
		f.Add(wire)
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		got, ok := payload.Read(wire)
		decoded := &common.Payload{}
		if !ok || proto.Unmarshal(wire, decoded) != nil { // a decoder validates UTF-8 too
			return
		}
		require.Equal(t, string(decoded.GetData()), string(got.Data))
		require.GreaterOrEqual(t, got.MetadataCount, len(decoded.GetMetadata()))
		for key, value := range map[string][]byte{"encoding": got.Encoding, "type": got.Type, "messageType": got.MessageType} {
			require.Equal(t, string(decoded.GetMetadata()[key]), string(value), key)
		}
	})
}
