package handlers

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/flowgate/flowgate/internal/problem"
)

// aliasSegment stands in a path for an id that is named by query parameter.
const aliasSegment = "-"

// maxIDBytes is the server's limit for ids (limit.maxIDLength).
const maxIDBytes = 1000

// workflowIDOf gives the workflow id that a request names, by its path segment
// or, for ids that clients or proxies fold, by the query parameter workflowId.
func workflowIDOf(segment, parameter string) (string, error) {
	return idOf("workflowId", segment, parameter)
}

// idOf is [workflowIDOf] for an id of any kind, whose parameters have that name.
func idOf(name, segment, parameter string) (string, error) {
	id, pointer := segment, name
	if parameter != "" {
		if segment != aliasSegment {
			return "", problem.Invalid("?"+name, `needs the path segment "-"`)
		}
		id, pointer = parameter, "?"+name
	} else if segment == aliasSegment {
		return "", problem.Invalid("?"+name, `is required with the path segment "-"`)
	}
	var f validation
	f.checkID(pointer, id)
	return id, f.err()
}

// checkID checks an id as the server would.
func (f *validation) checkID(pointer, checkID string) {
	switch {
	case checkID == "":
		f.add(pointer, "is required")
	case len(checkID) > maxIDBytes:
		f.add(pointer, "must be at most 1000 bytes")
	case !utf8.ValidString(checkID) || strings.ContainsFunc(checkID, unicode.IsControl):
		f.add(pointer, "must be valid UTF-8 without control characters")
	}
}

// needsAlias reports whether URL parsers and proxies change a path that holds the
// id as a segment: WHATWG parsers remove dot segments even when escaped, and
// many proxies decode %2F.
func needsAlias(id string) bool {
	return id == aliasSegment || id == "." || id == ".." || strings.Contains(id, "/")
}
