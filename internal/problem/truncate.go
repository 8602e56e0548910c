package problem

import "strings"

// Truncate limits the length of a text from a request, so that a problem can quote it.
func Truncate(text string) string {
	const limit = 200
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}
