package main

import (
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// longName matches the names that some references in the Swagger document use
// for a schema, such as apiCommonV1Link for v1Link.
var longName = regexp.MustCompile(`^api[A-Z][a-z]+V1([A-Z]\w*)$`)

// fixReferences corrects references to schemas that do not exist. Swagger 2 and
// OpenAPI 3.0 ignore the members beside a reference, so that fixReferences
// moves such a reference into allOf.
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
			err = fmt.Errorf("the reference %s does not resolve", reference.Value)
		}
		reference.Value = prefix + name
		remove(node, "type") // the schema has it
		if len(node.Content) > 2 {
			remove(node, "$ref")
			single := object("$ref", reference)
			set(node, "allOf", &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{single}})
		}
	})
	return err
}

// dropUnused removes the schemas without a reference.
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
