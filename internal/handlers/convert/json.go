package convert

import (
	"bytes"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Marshal encodes a response or a part of one. It keeps JSON values as a worker wrote
// them: their strings are not escaped again, and their duplicate names are permitted.
func Marshal(value any) ([]byte, error) {
	return json.Marshal(value, json.JoinOptions(
		json.Deterministic(true),
		jsontext.PreserveRawStrings(true),
		jsontext.AllowDuplicateNames(true),
	))
}

// Line returns a JSON text as a single line that ends with a line break. It replaces other
// line breaks, which JSON permits only between tokens, with spaces. It modifies text.
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
