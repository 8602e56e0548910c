package convert

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/flowgate/flowgate/internal/problem"
)

// aliasSegment is the path segment that stands for an id in a query parameter.
const aliasSegment = "-"

// maxIDBytes is the server's limit for ids (limit.maxIDLength).
const maxIDBytes = 1000

// ID returns the id that a request contains as a path segment or, because clients and
// proxies rewrite some segments, as the query parameter with the given name.
func ID(name, segment, parameter string) (string, error) {
	id, pointer := segment, name
	if parameter != "" {
		if segment != aliasSegment {
			return "", problem.Invalid("?"+name, `needs the path segment "-"`)
		}
		id, pointer = parameter, "?"+name
	} else if segment == aliasSegment {
		return "", problem.Invalid("?"+name, `is required with the path segment "-"`)
	}
	var v Validation
	v.CheckID(pointer, id)
	return id, v.Err()
}

// CheckID validates an id by the server's rules.
func (v *Validation) CheckID(pointer, id string) {
	switch {
	case id == "":
		v.Add(pointer, "is required")
	case len(id) > maxIDBytes:
		v.Add(pointer, "must be at most 1000 bytes")
	case !utf8.ValidString(id) || strings.ContainsFunc(id, unicode.IsControl):
		v.Add(pointer, "must be valid UTF-8 without control characters")
	}
}

// needsAlias reports whether URL parsers or proxies rewrite a path that has the id as a
// segment. WHATWG parsers remove dot segments even if they are escaped, and many proxies
// decode %2F.
func needsAlias(id string) bool {
	return id == aliasSegment || id == "." || id == ".." || strings.Contains(id, "/")
}

// IsRunID reports whether text has the form of a run id, which is a UUID.
func IsRunID(text string) bool {
	const form = "00000000-0000-0000-0000-000000000000"
	if len(text) != len(form) {
		return false
	}
	for i := range len(text) {
		hex := strings.IndexByte("0123456789abcdefABCDEF", text[i]) >= 0
		if form[i] == '-' && text[i] != '-' || form[i] != '-' && !hex {
			return false
		}
	}
	return true
}
