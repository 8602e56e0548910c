package temporalhttp

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// indentedText writes the text to an indenter in small parts, as a streamed response.
func indentedText(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	i := &indenter{to: &out}
	for begin := 0; begin < len(text); begin += 3 {
		_, err := i.Write([]byte(text[begin:min(begin+3, len(text))]))
		require.NoError(t, err)
	}
	require.NoError(t, i.flush())
	return out.String()
}

func TestIndenterMatchesEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{}`, `[]`, `{"a":{}}`, `[[],{}]`, `{"a":1,"b":[1,2,{"c":"x,y:{\"[\\"}],"d":null}`, `"a\\"`, `[{"p": 1.10 , "q":[ ]}]`, `{"a":"\\\"","b":"ä€"}`,
	} {
		var want bytes.Buffer
		require.NoError(t, json.Indent(&want, []byte(text), "", "  "))
		require.Equal(t, want.String(), indentedText(t, text))
	}
}

func TestIndentationIsBounded(t *testing.T) {
	t.Parallel()
	nested := strings.Repeat("[", 9000) + strings.Repeat("1,", 20_000) + "1" + strings.Repeat("]", 9000)
	text := indentedText(t, nested)
	require.Less(t, len(text), 2*len(nested))
	require.True(t, json.Valid([]byte(text)))
}
