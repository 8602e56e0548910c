package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// readFile reads the YAML file into a map that holds known keys only.
func readFile(name string, problems *Problems) map[string]any {
	text, err := os.ReadFile(name)
	if err != nil {
		problems.add("", "the configuration file cannot be read: "+reason(err))
		return nil
	}
	tree := parseYAML(text, problems)
	checkKeys(tree, reflect.TypeFor[Config](), "", problems)
	return tree
}

// parseYAML parses exactly one document whose root is a mapping; an empty file is an empty mapping.
func parseYAML(text []byte, problems *Problems) map[string]any {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		problems.add("", err.Error())
		return nil
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		problems.add("", "the configuration file must hold one YAML document")
	}
	root := document.Content[0]
	prune(root, "", problems)
	if root.Tag == "!!null" {
		return nil
	}
	if root.Kind != yaml.MappingNode {
		problems.add("", "the configuration file must be a mapping")
		return nil
	}
	var tree map[string]any
	if err := root.Decode(&tree); err != nil {
		problems.add("", err.Error())
	}
	return tree
}

// prune reports the keys that are repeated or no text, and removes them and the keys without a value: `tls:` alone
// leaves the defaults of tls.
func prune(node *yaml.Node, path string, problems *Problems) {
	if node.Kind != yaml.MappingNode {
		for i, child := range node.Content {
			prune(child, join(path, strconv.Itoa(i)), problems)
		}
		return
	}
	lines := make(map[string]int)
	var kept []*yaml.Node
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		at := join(path, key.Value)
		switch first, repeated := lines[key.Value]; {
		case key.ShortTag() != "!!str":
			problems.add(at, fmt.Sprintf("line %d: keys must be text", key.Line))
			continue
		case repeated:
			problems.add(at, fmt.Sprintf("line %d: already set in line %d", key.Line, first))
			continue
		}
		lines[key.Value] = key.Line
		prune(value, at, problems)
		if value.ShortTag() != "!!null" {
			kept = append(kept, key, value)
		}
	}
	node.Content = kept
}

// checkKeys reports and removes what the struct type t has no place for: unknown keys, and sections that are no
// mapping. Left in, such a section would vanish unseen when the environment sets one of its keys.
func checkKeys(tree map[string]any, t reflect.Type, path string, problems *Problems) {
	fields := make(map[string]reflect.Type)
	for _, field := range reflect.VisibleFields(t) {
		fields[field.Tag.Get("koanf")] = field.Type
	}
	for _, key := range slices.Sorted(maps.Keys(tree)) {
		value := tree[key]
		at := join(path, key)
		field, known := fields[key]
		section, isMapping := value.(map[string]any)
		switch {
		case !known:
			problems.add(at, "unknown key")
			delete(tree, key)
		case isListOfSections(field):
			checkElements(tree, key, field.Elem(), at, problems)
		case field.Kind() != reflect.Struct && field.Kind() != reflect.Map:
		case !isMapping:
			problems.add(at, errNotMapping.Error())
			delete(tree, key)
		case field.Kind() == reflect.Struct:
			checkKeys(section, field, at, problems)
		case field.Elem().Kind() == reflect.Struct:
			checkEntries(section, field.Elem(), at, problems)
		}
	}
}

// checkEntries is checkKeys for a mapping with free keys, such as namespaces.
func checkEntries(tree map[string]any, entry reflect.Type, path string, problems *Problems) {
	for _, key := range slices.Sorted(maps.Keys(tree)) {
		section, ok := tree[key].(map[string]any)
		if !ok {
			problems.add(join(path, key), errNotMapping.Error())
			delete(tree, key)
			continue
		}
		checkKeys(section, entry, join(path, key), problems)
	}
}

// checkElements is checkKeys for a list of sections. An element that is none would make the decoder's words the
// operator's.
func checkElements(tree map[string]any, key string, element reflect.Type, path string, problems *Problems) {
	list, ok := tree[key].([]any)
	if !ok {
		problems.add(path, errNotList.Error())
		delete(tree, key)
		return
	}
	for i, value := range list {
		at := join(path, strconv.Itoa(i))
		section, ok := value.(map[string]any)
		if !ok {
			problems.add(at, errNotMapping.Error())
			list[i] = map[string]any{}
			continue
		}
		checkKeys(section, element, at, problems)
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
