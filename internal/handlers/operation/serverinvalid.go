package operation

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/flowgate/flowgate/internal/problem"
)

// invalidQueryPrefix begins the server's message for a visibility query that it rejects
// (common/persistence/visibility/store/query, in version 1.32).
const invalidQueryPrefix = "invalid query: "

// WithInvalidQuery adds the pointer of a visibility query to the server's error for it.
func WithInvalidQuery(err error, pointer string) error {
	return withField(err, func(message string) (string, bool) { return pointer, strings.HasPrefix(message, invalidQueryPrefix) })
}

// WithInvalidSearchAttribute adds the pointer of a search attribute to the server's error
// for it. Names are those in the request, and pointer is that of the object with them.
func WithInvalidSearchAttribute[V any](err error, pointer string, attributes map[string]V) error {
	return withField(err, func(message string) (string, bool) {
		for _, name := range slices.Backward(slices.Sorted(maps.Keys(attributes))) { // of two names, the longer one first
			if namesAttribute(message, name) {
				return string(jsontext.Pointer(pointer).AppendToken(name)), true
			}
		}
		return pointer, len(attributes) > 0 && strings.Contains(message, "of search attributes ")
	})
}

// namesAttribute reports whether the server's message is about the search attribute name
// (common/searchattribute/validator.go, in version 1.32).
func namesAttribute(message, name string) bool {
	if strings.HasPrefix(message, name+" attribute can't be set") || strings.HasPrefix(message, "unable to get "+name+" search attribute") {
		return true
	}
	_, rest, found := strings.Cut(message, "search attribute ")
	rest, is := strings.CutPrefix(rest, name)
	return found && is && (rest == "" || rest[0] == ' ')
}

// withField adds a field to the server's error if it is invalid-request and find returns
// the pointer for its message. It copies the error, because an error may be shared.
func withField(err error, find func(message string) (pointer string, found bool)) error {
	var e *problem.Error
	if !errors.As(err, &e) || e.Upstream == nil || e.Code != problem.InvalidRequest {
		return err
	}
	pointer, found := find(e.Upstream.Message())
	if !found {
		return err
	}
	copied := *e
	copied.Members.Errors = append(slices.Clip(e.Members.Errors), problem.Field{Pointer: problem.Truncate(pointer), Detail: e.Detail})
	return &copied
}
