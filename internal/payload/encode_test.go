package payload_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/payload"
)

// roundTrip encodes m and decodes the wire bytes into decoded, which it returns.
func roundTrip[M proto.Message](t *testing.T, m, decoded M) M {
	t.Helper()
	wire, err := proto.Marshal(m)
	require.NoError(t, err)
	require.NoError(t, proto.Unmarshal(wire, decoded))
	return decoded
}

// sources returns sources and the payloads that they must decode to. Their sizes are near those at which the length
// prefix of an encoded field becomes one byte longer.
func sources() (all []payload.Source, want []*common.Payload) {
	long := func(n int) string { return strings.Repeat("a", n) }
	for _, n := range []int{0, 1, 97, 98, 99, 100, 101, 102, 103, 104, 120, 125, 126, 127, 128, 129, 16382, 16383, 16384, 1 << 21} {
		value := `"` + long(n) + `"`
		all = append(all,
			payload.Source{JSON: jsontext.Value(value)}, payload.Source{Metadata: map[string][]byte{long(n): nil, "encoding": []byte(long(n))}},
			payload.Source{Metadata: map[string][]byte{"encoding": []byte("binary/plain")}, Data: []byte(long(n))})
		want = append(want, payloadOf("json/plain", value),
			&common.Payload{Metadata: map[string][]byte{long(n): nil, "encoding": []byte(long(n))}}, payloadOf("binary/plain", long(n)))
	}
	all = append(all, payload.Source{}, payload.Source{JSON: jsontext.Value("null")}, payload.Source{Metadata: map[string][]byte{"": {}}})
	return all, append(want, &common.Payload{}, payloadOf("binary/null", ""), &common.Payload{Metadata: map[string][]byte{"": {}}})
}

// EncodeList returns a message with the encoded payloads as unknown fields, which protobuf copies when it encodes the
// message.
func TestEncodeListDecodesAsPayloads(t *testing.T) {
	t.Parallel()
	all, want := sources()
	list := payload.EncodeList(slices.Values(all))
	got := roundTrip(t, list, &common.Payloads{})
	require.Empty(t, got.ProtoReflect().GetUnknown())
	requireEqual(t, &common.Payloads{Payloads: want}, got)
	buffer := list.ProtoReflect().GetUnknown()
	require.Len(t, buffer, proto.Size(got))
	require.Equal(t, len(buffer), cap([]byte(buffer)), "the capacity of the buffer is the exact size")
}

func TestEncodeMemoDecodesAsFields(t *testing.T) {
	t.Parallel()
	all, want := sources()
	named, fields := map[string]payload.Source{}, map[string]*common.Payload{}
	for i := range all {
		name := strings.Repeat("ä", i)
		named[name], fields[name] = all[i], want[i]
	}
	got := roundTrip(t, payload.EncodeMemo(maps.All(named)), &common.Memo{})
	require.Empty(t, got.ProtoReflect().GetUnknown())
	requireEqual(t, &common.Memo{Fields: fields}, got)
}

func requireEqual(t *testing.T, want, got proto.Message) {
	t.Helper()
	require.True(t, proto.Equal(want, got))
}

// BenchmarkSendArguments encodes a small list of arguments.
func BenchmarkSendArguments(b *testing.B) {
	values := []jsontext.Value{jsontext.Value(`{"orderId":"order-1","items":[1,2,3]}`), jsontext.Value(`1`)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := proto.Marshal(payload.FromValues(values)); err != nil {
			b.Fatal(err)
		}
	}
}
