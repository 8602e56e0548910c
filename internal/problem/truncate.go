package problem

import "strings"

// Truncate bounds a text that a caller sent before a problem repeats it.
func Truncate(text string) string {
	const limit = 200
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}
