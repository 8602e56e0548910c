package yamlnode

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The messages that all readers share, so that the same problem has the same wording in every file.
const (
	UnknownField = "unknown field"
	Missing      = "is missing"
	NotMapping   = "must be a mapping"
	NotList      = "must be a list"
	NotString    = "must be a string"
	NotBool      = "must be true or false"
	NotInt       = "must be a whole number"
	NotFloat     = "must be a number"
	NotDuration  = "must be a duration with a unit, such as 500ms, 30s or 1h30m"
)

// Reader walks a document and collects its problems. The zero value is ready to use.
type Reader struct {
	// Secret reports whether a mapping's key may be a misplaced secret. A path contains the line number instead of such a
	// key, and instead of a key with control characters or spaces.
	Secret func(key string) bool

	problems Problems
	// lastPath is the path of the newest problem. Another problem at that path would be a consequence of it, and is not
	// added.
	lastPath string
}

// Field is a function that reads the value at path.
type Field func(path string, node *yaml.Node)

// Document parses content and returns the root of the only document in it. If content is not valid YAML, it adds a
// problem and returns nil. If content has no document, it returns nil and adds no problem.
func (r *Reader) Document(content []byte) *yaml.Node {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var document yaml.Node
	if err := decoder.Decode(&document); err != nil {
		if !errors.Is(err, io.EOF) {
			r.add("", syntaxError(err))
		}
		return nil
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		r.add("", "contains more than one document")
	}
	return document.Content[0]
}

// syntaxError returns the library's text if it names a line. Other texts may quote the file and are dropped.
func syntaxError(err error) string {
	if text, ok := strings.CutPrefix(err.Error(), "yaml: "); ok && strings.HasPrefix(text, "line ") {
		return text
	}
	return "is not valid YAML"
}

// Reportf adds a problem, unless the newest problem has the same path. The arguments must not quote the file, which may
// contain secrets.
func (r *Reader) Reportf(path, format string, args ...any) {
	if len(r.problems) == 0 || path != r.lastPath {
		r.add(path, fmt.Sprintf(format, args...))
	}
}

func (r *Reader) add(path, message string) {
	r.problems = append(r.problems, Problem{path, message})
	r.lastPath = path
}

// Problems returns the problems found so far, in the order of the file.
func (r *Reader) Problems() Problems { return r.problems }

// Err returns the problems as an error, nil when there are none.
func (r *Reader) Err() error {
	if len(r.problems) == 0 {
		return nil
	}
	return r.problems
}

// Object reads a mapping. Each key must be in fields and may occur once.
func (r *Reader) Object(path string, node *yaml.Node, fields map[string]Field) {
	r.Entries(path, node, func(name, childPath string, value *yaml.Node) {
		if read, ok := fields[name]; ok {
			read(childPath, value)
			return
		}
		r.Reportf(childPath, UnknownField)
	})
}

// Entries reads a mapping with arbitrary keys. Each must be a string and occur once: with a duplicate key, one of the
// values would silently be ignored.
func (r *Reader) Entries(path string, node *yaml.Node, each func(name, childPath string, value *yaml.Node)) {
	if !IsMapping(node) {
		r.Reportf(path, NotMapping)
		return
	}
	node = resolveAlias(node)
	lines := make(map[string]int)
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		childPath := FieldPath(path, r.displayKey(key))
		firstLine, duplicate := lines[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str":
			r.add(childPath, fmt.Sprintf("line %d: the key must be a string", key.Line))
		case duplicate:
			r.add(childPath, fmt.Sprintf("duplicate key, first in line %d", firstLine))
		default:
			lines[key.Value] = key.Line
			each(key.Value, childPath, node.Content[i+1])
		}
	}
}

// displayKey returns a mapping's key in the form that appears in a path.
func (r *Reader) displayKey(key *yaml.Node) string {
	unprintable := func(c rune) bool { return c <= ' ' || c > '~' }
	if key.Kind != yaml.ScalarNode || strings.ContainsFunc(key.Value, unprintable) || r.Secret != nil && r.Secret(key.Value) {
		return fmt.Sprintf("(line %d)", key.Line)
	}
	return key.Value
}

// Require reports the fields that are missing in the mapping. It ignores a node that is not a mapping, because
// [Reader.Object] reports that.
func (r *Reader) Require(path string, node *yaml.Node, names ...string) {
	if !IsMapping(node) {
		return
	}
	node = resolveAlias(node)
	for _, name := range names {
		found := false
		for i := 0; i < len(node.Content); i += 2 {
			found = found || node.Content[i].Value == name
		}
		if !found {
			r.Reportf(FieldPath(path, name), Missing)
		}
	}
}

// List reads a sequence.
func (r *Reader) List(path string, node *yaml.Node, each Field) {
	node = resolveAlias(node)
	if node.Kind != yaml.SequenceNode {
		r.Reportf(path, NotList)
		return
	}
	for i, element := range node.Content {
		each(ElementPath(path, i), element)
	}
}

// resolveAlias returns the node that an alias refers to, or node itself.
func resolveAlias(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

// IsMapping reports whether node is a mapping or an alias of one.
func IsMapping(node *yaml.Node) bool { return resolveAlias(node).Kind == yaml.MappingNode }

// IsNull reports whether node has no value, as in `tls:`.
func IsNull(node *yaml.Node) bool { return resolveAlias(node).ShortTag() == "!!null" }
