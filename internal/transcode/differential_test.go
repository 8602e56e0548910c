package transcode_test

import (
	"encoding/json"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/flowgate/flowgate/internal/transcode"
	"github.com/flowgate/flowgate/internal/transcode/transcodetest"
)

// longForm selects ProtoJSON, so that the expected result is that of protojson.
//
//nolint:gochecknoglobals // a constant
var longForm = transcode.Options{LongPayloads: true}

// canonicalJSON returns the canonical form of a JSON text (RFC 8785). Equal
// documents have equal canonical forms.
func canonicalJSON(tb testing.TB, text []byte) string {
	tb.Helper()
	value := jsontext.Value(text).Clone()
	require.NoError(tb, value.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(true)), "%s", text)
	return string(value)
}

func marshal(tb testing.TB, m proto.Message) []byte {
	tb.Helper()
	wire, err := proto.Marshal(m)
	require.NoError(tb, err)
	return wire
}

// requireAgreement compares the transcoder with protojson in both directions. The
// argument wire is the wire form of m.
func requireAgreement(tb testing.TB, plan *transcode.Plan, messageType protoreflect.MessageType, m proto.Message, wire []byte) {
	tb.Helper()
	want, err := protojson.Marshal(m)
	require.NoError(tb, err)
	got, err := plan.AppendJSON(nil, wire, longForm, nil)
	require.NoError(tb, err)
	require.Equal(tb, canonicalJSON(tb, want), canonicalJSON(tb, got))
	require.True(tb, json.Valid(got))

	withProtoNames, err := protojson.MarshalOptions{UseProtoNames: true, UseEnumNumbers: true}.Marshal(m)
	require.NoError(tb, err)
	for _, text := range [][]byte{want, got, withProtoNames} {
		back, err := plan.AppendWire(nil, text, longForm)
		require.NoError(tb, err, "%s", text)
		read := messageType.New().Interface()
		require.NoError(tb, proto.Unmarshal(back, read))
		requireEqualMessages(tb, m, read)
	}
}

// requireEqualMessages compares messages by their JSON if they are not equal:
// the value of an Any is bytes, in which the order of fields may differ.
func requireEqualMessages(tb testing.TB, a, b proto.Message) {
	tb.Helper()
	if proto.Equal(a, b) {
		return
	}
	x, err := protojson.Marshal(a)
	require.NoError(tb, err)
	y, err := protojson.Marshal(b)
	require.NoError(tb, err)
	require.Equal(tb, canonicalJSON(tb, x), canonicalJSON(tb, y))
}

// requireShorthandRoundTrip converts a message to JSON with payloads in
// shorthand, and checks that this JSON is read back as an equal message.
func requireShorthandRoundTrip(tb testing.TB, plan *transcode.Plan, messageType protoreflect.MessageType, m proto.Message, wire []byte) {
	tb.Helper()
	text, err := plan.AppendJSON(nil, wire, transcode.Options{}, nil)
	require.NoError(tb, err)
	require.True(tb, json.Valid(text), "%s", text)
	back, err := plan.AppendWire(nil, text, transcode.Options{})
	require.NoError(tb, err, "%s", text)
	read := messageType.New().Interface()
	require.NoError(tb, proto.Unmarshal(back, read))
	requireEqualMessages(tb, m, read)
}

func TestEveryMessageTypeAgreesWithProtojson(t *testing.T) {
	t.Parallel()
	plans, all := transcode.NewPlans(), transcodetest.LinkedMessageTypes(t)
	g := transcodetest.NewGenerator(t, 1)
	for _, messageType := range all {
		plan := plans.Message(messageType.Descriptor())
		for range 6 {
			m := g.Message(messageType).Interface()
			if messageType.Descriptor().FullName() == "google.protobuf.Any" {
				continue // the other types have fields of type Any
			}
			requireAgreement(t, plan, messageType, m, marshal(t, m))
			requireShorthandRoundTrip(t, plan, messageType, m, marshal(t, m))
		}
	}
	t.Logf("%d message types", len(all))
}

func FuzzDifferential(f *testing.F) {
	plans, all := transcode.NewPlans(), transcodetest.LinkedMessageTypes(f)
	for seed := range uint64(50) {
		f.Add(seed, uint16(seed*37))
	}
	f.Fuzz(func(t *testing.T, seed uint64, index uint16) {
		messageType := all[int(index)%len(all)]
		plan, g := plans.Message(messageType.Descriptor()), transcodetest.NewGenerator(t, seed)
		m := g.Message(messageType).Interface()
		wire := marshal(t, m)
		requireAgreement(t, plan, messageType, m, wire)
		requireShorthandRoundTrip(t, plan, messageType, m, wire)

		// Two concatenated messages are one merged message.
		wire = append(wire, marshal(t, g.Message(messageType).Interface())...)
		merged := messageType.New().Interface()
		require.NoError(t, proto.Unmarshal(wire, merged))
		if _, err := protojson.Marshal(merged); err == nil {
			requireAgreement(t, plan, messageType, merged, wire)
		}
	})
}

// FuzzHostileWire converts arbitrary bytes to JSON. If the library can decode the
// bytes, the transcoder must accept them and write the same JSON.
func FuzzHostileWire(f *testing.F) {
	plans, all := transcode.NewPlans(), transcodetest.LinkedMessageTypes(f)
	g := transcodetest.NewGenerator(f, 3)
	for i, messageType := range all {
		f.Add(marshal(f, g.Message(messageType).Interface()), uint16(i))
	}
	f.Fuzz(func(t *testing.T, wire []byte, index uint16) {
		messageType := all[int(index)%len(all)]
		plan := plans.Message(messageType.Descriptor())
		got, longFormErr := plan.AppendJSON(nil, wire, longForm, nil)
		if longFormErr == nil {
			require.True(t, jsontext.Value(got).IsValid(), "%s", got)
		}
		if short, err := plan.AppendJSON(nil, wire, transcode.Options{}, nil); err == nil {
			require.True(t, jsontext.Value(short).IsValid(jsontext.AllowDuplicateNames(true)), "%s", short)
			require.LessOrEqual(t, len(short), 64*len(wire)+64, "hostile bytes must not produce a huge document")
		}
		m := messageType.New().Interface()
		if proto.Unmarshal(wire, m) != nil {
			return
		}
		want, err := protojson.Marshal(m)
		if err != nil {
			return // an Any has an unknown type, which only the transcoder can convert
		}
		require.NoError(t, longFormErr)
		require.Equal(t, canonicalJSON(t, want), canonicalJSON(t, got))
	})
}

// FuzzHostileJSON converts arbitrary text to wire bytes, and compares the result
// with that of the library.
func FuzzHostileJSON(f *testing.F) {
	plans, all := transcode.NewPlans(), transcodetest.LinkedMessageTypes(f)
	g := transcodetest.NewGenerator(f, 4)
	for i, messageType := range all {
		text, err := protojson.Marshal(g.Message(messageType).Interface())
		if err == nil {
			f.Add(text, uint16(i))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte, index uint16) {
		messageType := all[int(index)%len(all)]
		plan := plans.Message(messageType.Descriptor())
		if wire, err := plan.AppendWire(nil, text, transcode.Options{}); err == nil {
			require.NoError(t, proto.Unmarshal(wire, messageType.New().Interface()))
			require.LessOrEqual(t, len(wire), 64*len(text)+64, "hostile text must not produce a huge message")
		}
		wire, longFormErr := plan.AppendWire(nil, text, longForm)
		want, got := messageType.New().Interface(), messageType.New().Interface()
		// The transcoder accepts requests with up to 100 levels. Near that limit, the two may count differently.
		accepted := protojson.UnmarshalOptions{RecursionLimit: 90}.Unmarshal(text, want) == nil
		if longFormErr != nil {
			// The transcoder may reject text that the library accepts only if
			// the text is not valid JSON.
			if accepted && jsontext.Value(text).IsValid() {
				t.Fatalf("the transcoder rejected valid JSON: %v", longFormErr)
			}
			return
		}
		require.NoError(t, proto.Unmarshal(wire, got))
		if accepted {
			requireEqualMessages(t, want, got)
		}
	})
}
