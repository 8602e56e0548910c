package yamlnode

import (
	"errors"
	"strconv"
	"strings"
)

// Problem is one error in a file.
type Problem struct {
	// Path is the path of the value. It is empty when the problem concerns the whole file.
	Path string
	// Message says what is wrong and which values are valid. It quotes no value.
	Message string
}

// String returns the problem on one line.
func (p Problem) String() string {
	if p.Path == "" {
		return p.Message
	}
	return p.Path + ": " + p.Message
}

// Problems is an error that lists everything wrong with a file, in the order of the file.
type Problems []Problem //nolint:errname // a list that is an error when it is not empty

// Error returns the problems, one per line.
func (p Problems) Error() string { return p.lines("") }

func (p Problems) lines(prefix string) string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = prefix + problem.String()
	}
	return strings.Join(lines, "\n")
}

// InFile wraps err and adds the file's name as a prefix. When err is a [Problems], every line gets the prefix.
func InFile(name string, err error) error { return &fileError{name, err} }

type fileError struct {
	name string
	err  error
}

func (e *fileError) Unwrap() error { return e.err }

func (e *fileError) Error() string {
	prefix := e.name + ": "
	if problems, ok := errors.AsType[Problems](e.err); ok {
		return problems.lines(prefix)
	}
	return prefix + e.err.Error()
}

// FieldPath returns the path of the field name below path.
func FieldPath(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// ElementPath returns the path of element i of the list at path.
func ElementPath(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// Covers reports whether path equals ancestor or is below it.
func Covers(ancestor, path string) bool {
	rest, ok := strings.CutPrefix(path, ancestor)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}
