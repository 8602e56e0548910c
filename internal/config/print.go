package config

import (
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/flowgate/flowgate/internal/yamlnode"
)

// PrintOptions are the options of [Config.Print].
type PrintOptions struct {
	// Sources has the source of each setting, as [LoadWithSources] returns it. Print writes it as a comment.
	Sources Sources
	// Metadata prints the values of gRPC metadata, which may be tokens. Without it they are replaced, so that the text is
	// valid, but has another meaning.
	Metadata bool
}

// hidden replaces the values of metadata. It is valid base64, for keys with the suffix "-bin".
const hidden = "HIDDEN00"

// Print writes the configuration as YAML, which [Load] reads as the same configuration. It omits what is empty, unless the
// default is not. Secrets are in files, of which it writes the names.
func (c *Config) Print(w io.Writer, options PrintOptions) error {
	p := printer{options}
	root := p.section(nil, reflect.ValueOf(*c), reflect.ValueOf(Default()))
	encoder := yaml.NewEncoder(w)
	const indent = 2
	encoder.SetIndent(indent)
	if err := encoder.Encode(root); err != nil {
		return err
	}
	return encoder.Close()
}

type printer struct{ PrintOptions }

// section returns the mapping for a struct. Fallback has the values that a missing field has when it is loaded.
func (p printer) section(path []string, v, fallback reflect.Value) *yaml.Node {
	section := &yaml.Node{Kind: yaml.MappingNode}
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get(yamlnode.Tag)
		fieldPath := slices.Concat(path, []string{name})
		field, isDefault := v.Field(i), fallback.Field(i)
		if isEmpty(field) && isEmpty(isDefault) {
			continue
		}
		node := p.value(fieldPath, field, isDefault)
		if node.Kind == yaml.MappingNode && len(node.Content) == 0 {
			continue
		}
		key, source := scalar("!!str", name), p.Sources[strings.Join(fieldPath, ".")]
		if node.Kind == yaml.ScalarNode || node.Style == yaml.FlowStyle {
			node.LineComment = source
		} else {
			key.HeadComment = source // after a block, it would be at the next key
		}
		section.Content = append(section.Content, key, node)
	}
	return section
}

// value returns the node of one value.
func (p printer) value(path []string, v, fallback reflect.Value) *yaml.Node {
	switch metadata, isMetadata := reflect.TypeAssert[Metadata](v); {
	case isMetadata:
		return p.metadata(metadata)
	case v.Type() == reflect.TypeFor[time.Duration]():
		return scalar("!!str", formatDuration(time.Duration(v.Int())))
	case v.Kind() == reflect.Struct:
		return p.section(path, v, fallback)
	case v.Kind() == reflect.Map:
		return p.mapping(v)
	case v.Kind() == reflect.Slice:
		return p.list(v)
	case v.Kind() == reflect.Bool:
		return scalar("", strconv.FormatBool(v.Bool()))
	case v.CanInt():
		return scalar("", strconv.FormatInt(v.Int(), 10))
	case v.CanFloat():
		return scalar("", strconv.FormatFloat(v.Float(), 'f', -1, 64))
	default:
		return scalar("!!str", v.String())
	}
}

// mapping returns the node of a map of structs. An entry is also written if all its fields are empty.
func (p printer) mapping(v reflect.Value) *yaml.Node {
	node := &yaml.Node{Kind: yaml.MappingNode}
	for _, key := range slices.SortedFunc(slices.Values(v.MapKeys()), func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) }) {
		node.Content = append(node.Content, scalar("!!str", key.String()), p.value(nil, v.MapIndex(key), reflect.Zero(v.Type().Elem())))
	}
	return node
}

func (p printer) list(v reflect.Value) *yaml.Node {
	node := &yaml.Node{Kind: yaml.SequenceNode}
	if v.Len() == 0 || v.Index(0).Kind() != reflect.Struct {
		node.Style = yaml.FlowStyle
	}
	for i := range v.Len() {
		node.Content = append(node.Content, p.value(nil, v.Index(i), reflect.Zero(v.Type().Elem())))
	}
	return node
}

func (p printer) metadata(metadata Metadata) *yaml.Node {
	node := &yaml.Node{Kind: yaml.MappingNode}
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		value := scalar("!!str", metadata[key])
		if !p.Metadata {
			value.Value, value.LineComment = hidden, "may be a secret"
		}
		node.Content = append(node.Content, scalar("!!str", key), value)
	}
	return node
}

func scalar(tag, value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}
}

// isEmpty reports whether v is a zero value, or a list or a map without elements.
func isEmpty(v reflect.Value) bool {
	return v.IsZero() || (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 0
}
