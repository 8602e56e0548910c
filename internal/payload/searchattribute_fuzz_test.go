package payload_test

import (
	"encoding/json"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/payload"
)

// FuzzSearchAttribute checks that the type of a search attribute and the bytes of the value do not change when it is
// converted to a payload and back, and that an object is rejected as a value.
func FuzzSearchAttribute(f *testing.F) {
	for _, text := range append(losslessValues(), "null", `{"type":"Keyword","value":"a"}`, `{"type":"KeywordList","value":["a"]}`, `{"type":"Double","value":1.10}`,
		`{"type":"Int","value":null}`, `{"value":1}`, `{"type":"Int","value":1,"value":2}`, `{"type":"Int","type":"Int","value":1}`, `{"Type":"Int","value":1}`,
		`{"type":"Int","value":{"type":"Int","value":1}}`, `["a"]`, `[["a"]]`, `{"type":"\u0049nt","value":1}`, `{"type":"Text","value":"\ud800"}`,
	) {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		text := jsontext.Value(data)
		if !text.IsValid() || text.Kind() == ' ' || len(text) != len(trimmed(text)) {
			return // the strict decoder of requests rejects invalid JSON and removes surrounding white space
		}
		p, err := payload.FromSearchAttribute(text)
		var object struct {
			Type  string
			Value json.RawMessage
		}
		value := json.RawMessage(data)
		if text.Kind() == '{' {
			if json.Unmarshal(data, &object) != nil || object.Value == nil || object.Type == "" {
				require.Error(t, err, "%q", data)
				return
			}
			value = object.Value
		}
		if err != nil {
			require.Equal(t, "{", string(text.Kind()), "%q", data)
			return
		}
		require.NotContains(t, []jsontext.Kind{'{'}, jsontext.Value(value).Kind(), "%q", data)
		if string(value) == "null" {
			require.Equal(t, map[string][]byte{"encoding": []byte("binary/null")}, p.GetMetadata())
			require.Empty(t, p.GetData())
			return
		}
		require.Equal(t, string(value), string(p.GetData()))
		require.Equal(t, object.Type, string(p.GetMetadata()["type"]))
		again, ok := payload.ToSearchAttribute(p)
		require.True(t, ok)
		require.Equal(t, object.Type, again.Type)
		if value[0] != '[' || object.Type == "KeywordList" { // other lists with one element become the element
			require.Equal(t, string(value), string(again.Value))
		}
	})
}

// trimmed returns text without leading and trailing white space.
func trimmed(text []byte) []byte {
	value, _ := payload.ToJSON(payloadOf("json/plain", string(text)))
	return value
}
