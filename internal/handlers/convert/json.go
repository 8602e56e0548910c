package convert

import (
	"bytes"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Marshal encodes a response or a part of one. Values stay as a worker wrote them:
// without HTML escapes, with strings as they are, and with duplicate names.
func Marshal(value any) ([]byte, error) {
	return json.Marshal(value, json.JoinOptions(
		json.Deterministic(true),
		jsontext.PreserveRawStrings(true),
		jsontext.AllowDuplicateNames(true),
	))
}

// Line ends a line of JSON. JSON that a worker wrote may contain line breaks between
// its tokens, and nowhere else.
func Line(text []byte) []byte {
	if bytes.ContainsAny(text, "\r\n") {
		for i, c := range text {
			if c == '\n' || c == '\r' {
				text[i] = ' '
			}
		}
	}
	return append(text, '\n')
}
