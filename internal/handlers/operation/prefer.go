package operation

import (
	"iter"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/flowgate/flowgate/internal/problem"
)

// preferredWait reads Prefer: wait=N, in seconds (RFC 7240 section 4.3). Other
// preferences, and parameters of this one, are ignored, as the RFC requires.
func preferredWait(h http.Header) (wait time.Duration, ok bool, err error) {
	for _, line := range h.Values("Prefer") {
		for preference := range splitUnquoted(line, ',') {
			name, value := cutPreference(preference)
			if !strings.EqualFold(name, "wait") {
				continue
			}
			seconds, err := strconv.ParseUint(value, 10, 31)
			if err != nil || ok {
				return 0, false, problem.Invalid("Prefer", "wait must be a number of seconds, once")
			}
			wait, ok = time.Duration(seconds)*time.Second, true
		}
	}
	return wait, ok, nil
}

// cutPreference returns the name and the value of a preference, without quotes around
// the value and without parameters (RFC 7240 section 2).
func cutPreference(preference string) (name, value string) {
	for withoutParameters := range splitUnquoted(preference, ';') {
		name, value, _ = strings.Cut(withoutParameters, "=")
		break
	}
	value = strings.TrimSpace(value)
	if last := len(value) - 1; last > 0 && value[0] == '"' && value[last] == '"' {
		value = value[1:last]
	}
	return strings.TrimSpace(name), value
}

// splitUnquoted splits text at each separator that is not in a quoted string (RFC 9110
// section 5.6.4). An unterminated quoted string extends to the end of text.
func splitUnquoted(text string, separator byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		start, quoted := 0, false
		for i := 0; i < len(text); i++ {
			switch c := text[i]; {
			case c == '\\' && quoted:
				i++ // the next byte is escaped
			case c == '"':
				quoted = !quoted
			case c == separator && !quoted:
				if !yield(text[start:i]) {
					return
				}
				start = i + 1
			}
		}
		yield(text[start:])
	}
}
