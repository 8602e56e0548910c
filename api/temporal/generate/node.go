package main

import (
	"iter"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The document is kept as nodes, because maps would lose its order.

// parse gives the root of a YAML document.
func parse(text string) (*yaml.Node, error) {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		return nil, err
	}
	root := document.Content[0]
	root.HeadComment = ""
	return root, nil
}

// members are a mapping's keys and values; there are none in other nodes.
func members(node *yaml.Node) iter.Seq2[string, *yaml.Node] {
	return func(yield func(string, *yaml.Node) bool) {
		if node == nil || node.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(node.Content); i += 2 {
			if !yield(node.Content[i].Value, node.Content[i+1]) {
				return
			}
		}
	}
}

// at follows keys, to nil where there is no such thing.
func at(node *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		var found *yaml.Node
		for name, value := range members(node) {
			if name == key {
				found = value
			}
		}
		node = found
	}
	return node
}

// stringAt is the text there, empty when there is none.
func stringAt(node *yaml.Node, keys ...string) string {
	if found := at(node, keys...); found != nil {
		return found.Value
	}
	return ""
}

// set puts a value into a mapping, in the place of one that it had.
func set(mapping *yaml.Node, key string, value *yaml.Node) {
	for i := 0; i < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			mapping.Content[i+1] = value
			return
		}
	}
	mapping.Content = append(mapping.Content, text(key), value)
}

func remove(mapping *yaml.Node, key string) {
	for i := 0; i < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			mapping.Content = slices.Delete(mapping.Content, i, i+2)
			return
		}
	}
}

// text is a string, written as a block when it has lines.
func text(value string) *yaml.Node {
	node := &yaml.Node{}
	node.SetString(value)
	if !strings.Contains(value, "\n") {
		node.Style = 0
	}
	return node
}

// object is a mapping of one member.
func object(key string, value *yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{text(key), value}}
}

// each visits a node and everything in it, from the outside to the inside.
func each(node *yaml.Node, visit func(*yaml.Node)) {
	visit(node)
	for _, inner := range node.Content {
		each(inner, visit)
	}
}

// patch merges as RFC 7396 does: mappings into mappings, null removes, and all
// else takes the place of what was there.
func patch(target, changes *yaml.Node) {
	for key, change := range members(changes) {
		existing := at(target, key)
		switch {
		case change.Tag == "!!null":
			remove(target, key)
		case existing != nil && existing.Kind == yaml.MappingNode && change.Kind == yaml.MappingNode:
			patch(existing, change)
		default:
			set(target, key, change)
		}
	}
}
