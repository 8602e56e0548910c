package yamlnode

import (
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
)

// Text reads any scalar except null and returns it as written: an id such as 007 keeps its zeros.
func (r *Reader) Text(path string, node *yaml.Node) string {
	node = resolveAlias(node)
	if node.Kind != yaml.ScalarNode || IsNull(node) {
		r.Reportf(path, NotString)
		return ""
	}
	return node.Value
}

// String reads a scalar that YAML parses as a string.
func (r *Reader) String(path string, node *yaml.Node) string {
	var value string
	if !decode(node, &value, "!!str") {
		r.Reportf(path, "%s%s", NotString, quoteHint(node))
	}
	return value
}

// quoteHint suggests quotes for a scalar that would be a string in quotes.
func quoteHint(node *yaml.Node) string {
	if resolveAlias(node).Kind == yaml.ScalarNode && !IsNull(node) {
		return ": put quotes around it"
	}
	return ""
}

// Bool reads true or false.
func (r *Reader) Bool(path string, node *yaml.Node) bool {
	var value bool
	if !decode(node, &value, "!!bool") {
		r.Reportf(path, NotBool)
	}
	return value
}

// Int reads an integer.
func (r *Reader) Int(path string, node *yaml.Node) int64 {
	var value int64
	if !decode(node, &value, "!!int") {
		r.Reportf(path, NotInt)
	}
	return value
}

// Float reads a number.
func (r *Reader) Float(path string, node *yaml.Node) float64 {
	var value float64
	if !decode(node, &value, "!!int", "!!float") {
		r.Reportf(path, NotFloat)
	}
	return value
}

// Duration reads a duration in the syntax of [time.ParseDuration]. A number without a unit is rejected.
func (r *Reader) Duration(path string, node *yaml.Node) time.Duration {
	var text string
	decode(node, &text, "!!str")
	value, err := time.ParseDuration(text)
	if err != nil {
		r.Reportf(path, NotDuration)
	}
	return value
}

// decode stores the value of a scalar in value. It returns false when the scalar has none of the tags.
func decode(node *yaml.Node, value any, tags ...string) bool {
	node = resolveAlias(node)
	return node.Kind == yaml.ScalarNode && slices.Contains(tags, node.ShortTag()) && node.Decode(value) == nil
}
