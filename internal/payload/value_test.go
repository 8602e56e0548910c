package payload_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/payload"
)

// payloadOf returns a payload with the given encoding and no other metadata.
func payloadOf(encoding, data string) *common.Payload {
	return &common.Payload{Metadata: map[string][]byte{"encoding": []byte(encoding)}, Data: []byte(data)}
}

// losslessValues returns values that would change if they were decoded and encoded again.
func losslessValues() []string {
	return []string{
		"12345678901234567890", "-0", "1.10", "1e400", "1E+2", "0.1000000000000000055511151231257827",
		`""`, `"<&>"`, `"\u003c\u0026"`, `"\/"`, `"\ud83d\ude00"`, `"😀"`, `"` + "\u2028" + `"`,
		"[]", "{}", `{"b":1,"a":[]}`, `{"":{"":[]}}`, "true", "false", `[1.0,[null,{"z":null,"a":1e-7}]]`,
		strings.Repeat("[", 200) + strings.Repeat("]", 200),
	}
}

func TestValuesRoundTripByteForByte(t *testing.T) {
	t.Parallel()
	for _, text := range losslessValues() {
		p := payload.FromJSON(jsontext.Value(text))
		require.True(t, proto.Equal(payloadOf("json/plain", text), p), text)
		value, ok := payload.ToJSON(p)
		require.True(t, ok, text)
		require.Equal(t, text, string(value))
		value, ok = payload.Readable(p)
		require.True(t, ok, text)
		require.Equal(t, text, string(value))
	}
}

func TestArgumentsRoundTripByteForByte(t *testing.T) {
	t.Parallel()
	texts := []string{"12345678901234567890", "1.10", "1e400", "[]", `{"b":1,"a":[]}`, `"<&>"`, "null"}
	values := make([]jsontext.Value, len(texts))
	for i, text := range texts {
		values[i] = jsontext.Value(text)
	}
	payloads := roundTrip(t, payload.FromValues(values), &common.Payloads{}).GetPayloads()
	require.Len(t, payloads, len(texts))
	for i, text := range texts {
		value, ok := payload.ToJSON(payloads[i])
		require.True(t, ok, text)
		require.Equal(t, text, string(value))
	}
	require.Equal(t, "json/plain", string(payloads[5].GetMetadata()["encoding"]))
	require.True(t, proto.Equal(payloadOf("binary/null", ""), payloads[6]))
}

func TestNoArgumentsDifferFromOneNull(t *testing.T) {
	t.Parallel()
	require.Nil(t, payload.FromValues(nil))
	require.Nil(t, payload.FromValues([]jsontext.Value{}))
	require.Len(t, roundTrip(t, payload.FromValues([]jsontext.Value{jsontext.Value("null")}), &common.Payloads{}).GetPayloads(), 1)
}

func TestNullBecomesNullPayload(t *testing.T) {
	t.Parallel()
	p := payload.FromJSON(jsontext.Value("null"))
	require.Equal(t, map[string][]byte{"encoding": []byte("binary/null")}, p.GetMetadata())
	require.Nil(t, p.GetData())
	for _, p := range []*common.Payload{p, payloadOf("json/plain", "null")} {
		value, ok := payload.ToJSON(p)
		require.True(t, ok)
		require.Equal(t, "null", string(value))
	}
}

func TestOnlyValidJSONIsReturned(t *testing.T) {
	t.Parallel()
	protobuf := payloadOf("json/protobuf", `{"b":1,"a":1.10}`)
	protobuf.Metadata["messageType"] = []byte("acme.Order")
	for name, test := range map[string]struct {
		p        *common.Payload
		value    bool // ToJSON returns a value
		readable bool // Readable returns a value
	}{
		"no payload":                {p: nil},
		"no encoding":               {p: &common.Payload{Data: []byte("1")}},
		"bytes":                     {p: payloadOf("binary/plain", "\x00\x01")},
		"bytes that look like JSON": {p: payloadOf("binary/plain", `{"a":1}`)},
		"protobuf":                  {p: payloadOf("binary/protobuf", "\x0a\x01a")},
		"encrypted":                 {p: payloadOf("binary/encrypted", "1")},
		"protobuf as JSON":          {p: protobuf, readable: true},
		"invalid protobuf as JSON":  {p: payloadOf("json/protobuf", `{"a":`)},
		"encoding in upper case":    {p: payloadOf("JSON/plain", "1")},
		"no data":                   {p: payloadOf("json/plain", "")},
		"white space":               {p: payloadOf("json/plain", " \n")},
		"truncated":                 {p: payloadOf("json/plain", `{"a":[1,2`)},
		"two values":                {p: payloadOf("json/plain", "1 2")},
		"a comment":                 {p: payloadOf("json/plain", "1 // one")},
		"a trailing comma":          {p: payloadOf("json/plain", "[1,]")},
		"not a number":              {p: payloadOf("json/plain", "NaN")},
		"a leading zero":            {p: payloadOf("json/plain", "01")},
		"a byte order mark":         {p: payloadOf("json/plain", "\uFEFF1")},
		"invalid UTF-8":             {p: payloadOf("json/plain", "\"\xff\"")},
		"a lone surrogate":          {p: payloadOf("json/plain", `"\ud800"`)},
		"a no-break space":          {p: payloadOf("json/plain", "\u00a01")},
		"a form feed":               {p: payloadOf("json/plain", "1\f")},
		"nested too deeply":         {p: payloadOf("json/plain", strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000))},
		"duplicate names":           {p: payloadOf("json/plain", `{"a":1,"a":{"b":2,"b":2}}`), value: true, readable: true},
		"white space around":        {p: payloadOf("json/plain", " \t\r\n{ \"a\" : 1 }\n"), value: true, readable: true},
		"other metadata":            {p: &common.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain"), "x": []byte("\xff")}, Data: []byte("1")}, value: true, readable: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := proto.CloneOf(test.p)
			_, ok := payload.ToJSON(test.p)
			require.Equal(t, test.value, ok)
			value, ok := payload.Readable(test.p)
			require.Equal(t, test.readable, ok)
			if ok {
				require.Equal(t, strings.TrimSpace(string(test.p.GetData())), string(value))
			}
			require.True(t, proto.Equal(before, test.p), "the payload does not change")
		})
	}
}

// FuzzValue checks that the value of a payload is always valid JSON and does not change when it is converted to a
// payload and back.
func FuzzValue(f *testing.F) {
	for _, text := range append(losslessValues(), "null", `{"a":1,"a":2}`, "\xff", "{", " 1 ") {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		value, ok := payload.ToJSON(payloadOf("json/plain", string(data)))
		if !ok {
			return
		}
		require.True(t, value.IsValid(jsontext.AllowDuplicateNames(true)))
		require.Contains(t, string(data), string(value))
		again, ok := payload.ToJSON(payload.FromJSON(value))
		require.True(t, ok)
		require.Equal(t, string(value), string(again))
	})
}
