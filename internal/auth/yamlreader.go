package auth

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// yamlReader walks a YAML document by hand and collects every problem with
// its path. The library's own strict decoding stops halfway, knows lines and
// no paths, and quotes the values that it dislikes, which here may be secrets.
type yamlReader struct {
	problems []error
	// last is the path of the newest problem: of two at one place the second
	// only follows from the first.
	last string
}

// field reads the value at path.
type field func(path string, node *yaml.Node)

// document parses content, which must hold exactly one document: an empty file
// is one that somebody was still writing.
func (r *yamlReader) document(content []byte) *yaml.Node {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var root, more yaml.Node
	err := decoder.Decode(&root)
	switch {
	case errors.Is(err, io.EOF):
		r.problems = append(r.problems, errors.New("is empty"))
	case err != nil:
		r.problems = append(r.problems, errors.New(syntaxError(err)))
	case !errors.Is(decoder.Decode(&more), io.EOF):
		r.problems = append(r.problems, errors.New("holds more than one document"))
	default:
		return root.Content[0]
	}
	return nil
}

// syntaxError keeps the library's text where it tells a line, and drops it
// where it quotes the file.
func syntaxError(err error) string {
	if strings.HasPrefix(err.Error(), "yaml: line ") {
		return err.Error()
	}
	return "is not valid YAML"
}

// report adds a problem. Nobody passes it a value of the file.
func (r *yamlReader) reportf(path, format string, args ...any) {
	if path != r.last {
		r.problems = append(r.problems, fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...)))
	}
	r.last = path
}

// object reads a mapping whose keys are all among fields, each at most once.
func (r *yamlReader) object(path string, node *yaml.Node, fields map[string]field) {
	r.entries(path, node, func(name string, inner string, value *yaml.Node) {
		if read, ok := fields[name]; ok {
			read(inner, value)
			return
		}
		r.reportf(inner, "unknown field")
	})
}

// entries reads a mapping with any keys, each at most once: of two, the second
// would silently win.
func (r *yamlReader) entries(path string, node *yaml.Node, each func(name, inner string, value *yaml.Node)) {
	if node.Kind != yaml.MappingNode {
		r.reportf(orRoot(path), "must be a mapping")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name := node.Content[i].Value
		inner := strings.TrimPrefix(path+"."+shown(node.Content[i]), ".")
		if seen[name] {
			r.reportf(inner, "stands here twice")
			continue
		}
		seen[name] = true
		each(name, inner, node.Content[i+1])
	}
}

// list reads a sequence.
func (r *yamlReader) list(path string, node *yaml.Node, each field) {
	if node.Kind != yaml.SequenceNode {
		r.reportf(path, "must be a list")
		return
	}
	for i, element := range node.Content {
		each(path+"["+strconv.Itoa(i)+"]", element)
	}
}

// text reads a scalar as it was written: an id such as 007 stays what it is.
func (r *yamlReader) text(path string, node *yaml.Node) string {
	if node.Kind != yaml.ScalarNode || node.ShortTag() == "!!null" {
		r.reportf(path, "must be a text")
		return ""
	}
	return node.Value
}

// truth reads true or false.
func (r *yamlReader) truth(path string, node *yaml.Node) bool {
	var value bool
	if node.Kind != yaml.ScalarNode || node.ShortTag() != "!!bool" || node.Decode(&value) != nil {
		r.reportf(path, "must be true or false")
	}
	return value
}

func orRoot(path string) string {
	if path == "" {
		return "file"
	}
	return path
}

// shown is a mapping's key as a path shows it. One that is no plain short
// name may be a secret in the wrong place and is given by its line.
func shown(key *yaml.Node) string {
	plain := func(c byte) bool { return alphanumeric(c) || strings.IndexByte("-_.:", c) >= 0 }
	if key.Kind == yaml.ScalarNode && len(key.Value) < minSecret && every(key.Value, plain) {
		return key.Value
	}
	return fmt.Sprintf("(line %d)", key.Line)
}
