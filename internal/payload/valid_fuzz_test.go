package payload_test

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/payload"
)

// FuzzIsSimpleJSON checks that the JSON library accepts all data that isSimpleJSON accepts.
func FuzzIsSimpleJSON(f *testing.F) {
	for _, text := range []string{
		"", " ", "0", "-0", "-", "01", "1.", "1.5", ".5", "1e", "1e5", "1E+5", "1e-", "-1.25e-7", "true", "tru", "null", "nullx", "false ",
		`""`, `"a"`, `"a`, `"\n"`, "\"\x01\"", `"ä"`, "{}", "[]", "[ ]", "{ }", "[1,2]", "[1,]", "[,1]", "[1 2]", `{"a":1}`, `{"a":1,}`, `{"a"}`, `{"a":}`, `{a:1}`,
		`{"a":[{"b":[]},{"c":{}}],"d":null}`, "[}", "{]", "[1]]", "[1]x", "[[[[", "]]", `{"a":1,"a":2}`, "\ufeff1", "1 1",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if payload.IsSimpleJSON(data) {
			require.True(t, jsontext.Value(data).IsValid(jsontext.AllowDuplicateNames(true)), "%q", data)
		}
	})
}

// TestCommonValuesAreSimpleJSON checks that common values are validated without the JSON library, which is slower.
func TestCommonValuesAreSimpleJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`1`, `-1.5e+10`, `"text"`, `true`, `null`, `[]`, `{}`, ` [1, 2 , {"a" : [ ] , "b":{}}] `, `{"orderId":"order-1","items":[{"sku":"book","price":12.50}],"ok":false}`,
	} {
		require.True(t, payload.IsSimpleJSON([]byte(text)), text)
	}
}
