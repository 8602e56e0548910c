package main

import (
	"iter"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The program works on YAML nodes, because maps would lose the order of members.

// parse returns the root of a YAML document.
func parse(text string) (*yaml.Node, error) {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		return nil, err
	}
	root := document.Content[0]
	root.HeadComment = ""
	return root, nil
}

// members returns the keys and values of a mapping. Other nodes have none.
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

// at returns the node at a path of keys, or nil if there is none.
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

// stringAt returns the string at a path of keys, which is empty if there is
// none.
func stringAt(node *yaml.Node, keys ...string) string {
	if found := at(node, keys...); found != nil {
		return found.Value
	}
	return ""
}

// set sets a member of a mapping, and replaces the one with the same key.
func set(mapping *yaml.Node, key string, value *yaml.Node) {
	for i := 0; i < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			mapping.Content[i+1] = value
			return
		}
	}
	mapping.Content = append(mapping.Content, text(key), value)
}

// remove removes a member of a mapping.
func remove(mapping *yaml.Node, key string) {
	for i := 0; i < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			mapping.Content = slices.Delete(mapping.Content, i, i+2)
			return
		}
	}
}

// text returns a string node, which is written as a block if it has several
// lines.
func text(value string) *yaml.Node {
	node := &yaml.Node{}
	node.SetString(value)
	if !strings.Contains(value, "\n") {
		node.Style = 0
	}
	return node
}

// object returns a mapping with one member.
func object(key string, value *yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{text(key), value}}
}

// each visits a node and all nodes in it, parents before children.
func each(node *yaml.Node, visit func(*yaml.Node)) {
	visit(node)
	for _, inner := range node.Content {
		each(inner, visit)
	}
}

// patch applies a merge patch (RFC 7396): mappings are merged, null removes a
// member, and any other value replaces it.
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
