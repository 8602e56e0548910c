package convert

import (
	"errors"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/flowgate/flowgate/internal/problem"
)

// Validation collects the validation errors of a request, so that one response
// reports all of them. Their number is limited, because a body of 4 MB can have a million
// errors, and each entry is many times as large as the value that it describes. The zero
// value has no errors.
type Validation []problem.Field

// maxErrors is the maximum number of validation errors in a response.
const maxErrors = 50

// Add adds an error at a JSON pointer, or at "?name" for a query parameter. It
// keeps the first maxErrors errors and a note that there are more. It bounds the
// length of the pointer, which may contain a name that the caller chose.
func (v *Validation) Add(pointer, detail string) {
	switch len(*v) {
	case maxErrors:
		*v = append(*v, problem.Field{Detail: "has more validation errors, which are not listed"})
	case maxErrors + 1:
	default:
		*v = append(*v, problem.Field{Pointer: problem.Truncate(pointer), Detail: detail})
	}
}

// AtMost reports whether a list has at most limit elements, and adds an error if it has
// more. The caller then need not validate the elements.
func (v *Validation) AtMost(pointer string, length, limit int) bool {
	if length > limit {
		v.Add(pointer, "must have at most "+strconv.Itoa(limit)+" elements")
	}
	return length <= limit
}

// Require rejects an empty value.
func (v *Validation) Require(pointer, value string) {
	if value == "" {
		v.Add(pointer, "is required")
	}
}

// Err returns the errors as one [problem.Error], or nil if there are none.
func (v *Validation) Err() error {
	if len(*v) == 0 {
		return nil
	}
	return problem.InvalidFields(*v...)
}

// Merge adds the validation errors in err, which come from the part of the request at
// pointer.
func (v *Validation) Merge(pointer string, err error) {
	var e *problem.Error
	if !errors.As(err, &e) {
		return
	}
	for _, field := range e.Members.Errors {
		if strings.HasPrefix(field.Pointer, "/") {
			field.Pointer = pointer + field.Pointer
		}
		v.Add(field.Pointer, field.Detail)
	}
}

// pointerTo appends a member's name to a JSON pointer (RFC 6901 section 3).
func pointerTo(parent, name string) string {
	return string(jsontext.Pointer(parent).AppendToken(name))
}
