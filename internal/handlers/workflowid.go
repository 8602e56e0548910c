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
	var f faults
	f.id(pointer, id)
	return id, f.err()
}

// id checks an id as the server would.
func (f *faults) id(pointer, id string) {
	switch {
	case id == "":
		f.add(pointer, "is required")
	case len(id) > maxIDBytes:
		f.add(pointer, "must be at most 1000 bytes")
	case !utf8.ValidString(id) || strings.ContainsFunc(id, unicode.IsControl):
		f.add(pointer, "must be valid UTF-8 without control characters")
	}
}

// folds reports whether URL parsers and proxies change a path that holds the
// id as a segment: WHATWG parsers remove dot segments even when escaped, and
// many proxies decode %2F.
func folds(id string) bool {
	return id == aliasSegment || id == "." || id == ".." || strings.Contains(id, "/")
}
