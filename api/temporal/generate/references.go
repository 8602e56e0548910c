package main

import (
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// longName is how one reference of Swagger's names a schema, and another does
// not: apiCommonV1Link is v1Link.
var longName = regexp.MustCompile(`^api[A-Z][a-z]+V1([A-Z]\w*)$`)

// fixReferences lets those that lead nowhere lead to the schema that is meant.
// What is written beside a reference is not read, by the rules of Swagger 2 and
// of OpenAPI 3.0: it moves to where it is.
func fixReferences(document, schemas *yaml.Node, prefix string) error {
	var err error
	each(document, func(node *yaml.Node) {
		reference := at(node, "$ref")
		if reference == nil {
			return
		}
		name := strings.TrimPrefix(reference.Value, prefix)
		if at(schemas, name) == nil {
			name = longName.ReplaceAllString(name, "v1$1")
		}
		if at(schemas, name) == nil {
			err = fmt.Errorf("%s leads nowhere", reference.Value)
		}
		reference.Value = prefix + name
		remove(node, "type") // which the schema tells
		if len(node.Content) > 2 {
			remove(node, "$ref")
			one := object("$ref", reference)
			set(node, "allOf", &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{one}})
		}
	})
	return err
}

// dropUnused takes out the schemas that nothing refers to.
func dropUnused(document, schemas *yaml.Node, prefix string) {
	for {
		used := map[string]bool{}
		each(document, func(node *yaml.Node) { used[strings.TrimPrefix(stringAt(node, "$ref"), prefix)] = true })
		var unused []string
		for name := range members(schemas) {
			if !used[name] {
				unused = append(unused, name)
			}
		}
		if len(unused) == 0 {
			return
		}
		for _, name := range unused {
			remove(schemas, name)
		}
	}
}
