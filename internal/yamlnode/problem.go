package yamlnode

import (
	"errors"
	"strconv"
	"strings"
)

// Problem is one fault of a file.
type Problem struct {
	// Path is the path of the value, empty when the file as a whole is at fault.
	Path string
	// Message says what is wrong and what would be right. It quotes no value.
	Message string
}

// String is the problem on one line.
func (p Problem) String() string {
	if p.Path == "" {
		return p.Message
	}
	return p.Path + ": " + p.Message
}

// Problems is the error of a file: everything that is wrong with it, in the order of the file.
type Problems []Problem //nolint:errname // it is a list, and an error when it is not empty

// Error lists the problems, one a line.
func (p Problems) Error() string { return p.lines("") }

func (p Problems) lines(prefix string) string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = prefix + problem.String()
	}
	return strings.Join(lines, "\n")
}

// InFile puts the file's name before err; before every line of it, when err is a [Problems].
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

// Key is the path of the field name below path.
func Key(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// Index is the path of element i of the list at path.
func Index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// Covers reports whether path is other or lies below it.
func Covers(other, path string) bool {
	rest, ok := strings.CutPrefix(path, other)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}
