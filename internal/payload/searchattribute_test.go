package payload_test

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/payload"
)

func TestFromSearchAttribute(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ value, encoding, data, typ string }{
		"text":               {`{"type":"Text","value":"some words"}`, "json/plain", `"some words"`, "Text"},
		"keyword":            {`{"type":"Keyword","value":"<&>"}`, "json/plain", `"<&>"`, "Keyword"},
		"a large integer":    {`{"type":"Int","value":9223372036854775807}`, "json/plain", "9223372036854775807", "Int"},
		"digits of a double": {`{"type":"Double","value":1.10}`, "json/plain", "1.10", "Double"},
		"bool":               {`{"type":"Bool","value":false}`, "json/plain", "false", "Bool"},
		"time":               {`{"type":"Datetime","value":"2026-11-21T00:00:00Z"}`, "json/plain", `"2026-11-21T00:00:00Z"`, "Datetime"},
		"list":               {`{"type":"KeywordList","value":["a","b"]}`, "json/plain", `["a","b"]`, "KeywordList"},
		"an empty list":      {`{"value":[],"type":"KeywordList"}`, "json/plain", "[]", "KeywordList"},
		"a null has no type": {`{"type":"Keyword","value":null}`, "binary/null", "", ""},
		"bare null":          {"null", "binary/null", "", ""},
		"bare string":        {`"c-1"`, "json/plain", `"c-1"`, ""},
		"bare number":        {"1.10", "json/plain", "1.10", ""},
		"bare bool":          {"true", "json/plain", "true", ""},
		"bare list":          {`["a"]`, "json/plain", `["a"]`, ""},
		"an escape":          {`{"type":"Keyword","value":"\u00e9"}`, "json/plain", `"\u00e9"`, "Keyword"},
	} {
		p, err := payload.FromSearchAttribute(jsontext.Value(test.value))
		require.NoError(t, err, name)
		want := payloadOf(test.encoding, test.data)
		if test.typ != "" {
			want.Metadata["type"] = []byte(test.typ)
		}
		require.True(t, proto.Equal(want, p), "%s: %v", name, p)
	}
}

func TestInvalidSearchAttributesAreRejected(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"no type":                `{"value":1}`,
		"an empty type":          `{"type":"","value":1}`,
		"no value":               `{"type":"Int"}`,
		"an empty object":        `{}`,
		"an object":              `{"a":1}`,
		"an unknown member":      `{"type":"Int","value":1,"x":1}`,
		"a duplicate member":     `{"type":"Int","value":1,"value":2}`,
		"a member in upper case": `{"Type":"Int","value":1}`,
		"an unknown type":        `{"type":"Float","value":1}`,
		"a type in lower case":   `{"type":"int","value":1}`,
		"a protobuf enum name":   `{"type":"INDEXED_VALUE_TYPE_INT","value":1}`,
		"the unspecified type":   `{"type":"Unspecified","value":1}`,
		"a number as a keyword":  `{"type":"Keyword","value":1}`,
		"a string as an int":     `{"type":"Int","value":"1"}`,
		"an integer overflow":    `{"type":"Int","value":9223372036854775808}`,
		"a fraction":             `{"type":"Int","value":1.5}`,
		"a double overflow":      `{"type":"Double","value":1e400}`,
		"a string as a bool":     `{"type":"Bool","value":"true"}`,
		"a string as a list":     `{"type":"KeywordList","value":"a"}`,
		"a list as a keyword":    `{"type":"Keyword","value":["a"]}`,
		"an object as a text":    `{"type":"Text","value":{}}`,
		"a number as the type":   `{"type":1,"value":1}`,
	} {
		_, err := payload.FromSearchAttribute(jsontext.Value(value))
		require.Error(t, err, name)
	}
}

// A Temporal client that does not know the type of a search attribute writes a scalar to
// the payload as a list with one element. ToSearchAttribute therefore unwraps such a
// list, except in a KeywordList.
func TestToSearchAttribute(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ encoding, data, typ, wantType, want string }{
		"typed":                        {"json/plain", `"c-1"`, "Keyword", "Keyword", `"c-1"`},
		"typed by an enum name":        {"json/plain", "1.10", "INDEXED_VALUE_TYPE_DOUBLE", "Double", "1.10"},
		"typed with an unknown type":   {"json/plain", "1", "Vector", "Vector", "1"},
		"untyped":                      {"json/plain", "12345678901234567890", "", "", "12345678901234567890"},
		"null":                         {"binary/null", "", "", "", "null"},
		"a list with one element":      {"json/plain", `["a"]`, "KeywordList", "KeywordList", `["a"]`},
		"a scalar in a list":           {"json/plain", "[ 1.10 ]", "Double", "Double", "1.10"},
		"an untyped scalar in a list":  {"json/plain", `["a"]`, "", "", `"a"`},
		"an untyped list":              {"json/plain", `["a","b"]`, "", "", `["a","b"]`},
		"an empty list":                {"json/plain", "[]", "", "", "[]"},
		"a list typed by an enum name": {"json/plain", `["a"]`, "INDEXED_VALUE_TYPE_KEYWORD_LIST", "KeywordList", `["a"]`},
	} {
		p := payloadOf(test.encoding, test.data)
		if test.typ != "" {
			p.Metadata["type"] = []byte(test.typ)
		}
		attribute, ok := payload.ToSearchAttribute(p)
		require.True(t, ok, name)
		require.Equal(t, payload.SearchAttribute{Type: test.wantType, Value: jsontext.Value(test.want)}, attribute, name)
	}
	for _, encoding := range []string{"binary/plain", "json/protobuf", ""} {
		_, ok := payload.ToSearchAttribute(payloadOf(encoding, "1"))
		require.False(t, ok, encoding)
	}
	_, ok := payload.ToSearchAttribute(payloadOf("json/plain", "{"))
	require.False(t, ok)
}

func TestTypedSearchAttributesRoundTrip(t *testing.T) {
	t.Parallel()
	for typ, value := range map[string]string{
		"Text": `"a b"`, "Keyword": `"k"`, "Int": "-9223372036854775808", "Double": "1.10", "Bool": "true",
		"Datetime": `"2026-11-21T00:00:00.000000001+01:00"`, "KeywordList": `["a"]`,
	} {
		p, err := payload.FromSearchAttribute(jsontext.Value(`{"type":"` + typ + `","value":` + value + `}`))
		require.NoError(t, err, typ)
		attribute, ok := payload.ToSearchAttribute(p)
		require.True(t, ok, typ)
		require.Equal(t, payload.SearchAttribute{Type: typ, Value: jsontext.Value(value)}, attribute)
	}
}
