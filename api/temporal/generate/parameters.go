package main

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parameterTexts has descriptions for the parameters without one.
//
//go:embed parameters.yaml
var parameterTexts string

var (
	placeholder = regexp.MustCompile(`\{([^}]+)\}`)
	underscored = regexp.MustCompile(`_[a-z]`)
)

// nameParameters sets simple names for path parameters. Some are nested fields,
// such as execution.workflow_id. Many generators cannot convert such a name,
// and it causes a second path that is equal to one with workflowId.
func nameParameters(document *yaml.Node) error {
	texts, err := parse(parameterTexts)
	if err != nil {
		return err
	}
	paths := at(document, "paths")
	renamed := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Style: paths.Style}
	for path, operations := range members(paths) {
		bound := map[string]string{} // parameter name by JSON field name
		for _, match := range placeholder.FindAllStringSubmatch(path, -1) {
			field := camelCase(match[1])
			bound[field] = plainName(field)
		}
		for _, operation := range members(operations) {
			renameParameters(operation, bound, texts)
		}
		path = placeholder.ReplaceAllStringFunc(path, func(match string) string {
			return "{" + plainName(camelCase(strings.Trim(match, "{}"))) + "}"
		})
		existing := at(renamed, path)
		if existing == nil {
			set(renamed, path, operations)
			continue
		}
		for method, operation := range members(operations) {
			if at(existing, method) != nil {
				return fmt.Errorf("%s %s is a duplicate", method, path)
			}
			set(existing, method, operation)
		}
	}
	*paths = *renamed
	return nil
}

// renameParameters renames the parameters of one operation. It removes query
// parameters for fields that the path sets, which one of the documents has.
func renameParameters(operation *yaml.Node, bound map[string]string, texts *yaml.Node) {
	var kept []*yaml.Node
	for _, parameter := range parametersOf(operation) {
		field, location := camelCase(stringAt(parameter, "name")), stringAt(parameter, "in")
		name, inPath := bound[field]
		if inPath && location == "query" {
			continue
		}
		if location == "path" {
			set(parameter, "name", text(name))
		}
		description := stringAt(texts, location, stringAt(parameter, "name"))
		if description != "" && stringAt(parameter, "description") == "" {
			set(parameter, "description", text(description))
		}
		kept = append(kept, parameter)
	}
	if all := at(operation, "parameters"); all != nil {
		all.Content = kept
	}
}

func parametersOf(operation *yaml.Node) []*yaml.Node {
	if parameters := at(operation, "parameters"); parameters != nil {
		return parameters.Content
	}
	return nil
}

// plainName returns the last part of a field path, or a clearer name for the
// fields where that is ambiguous.
func plainName(field string) string {
	switch field {
	case "taskQueue.name":
		return "taskQueue"
	case "request.input.name":
		return "updateName"
	default:
		return field[strings.LastIndex(field, ".")+1:]
	}
}

// camelCase returns the JSON name of a field.
func camelCase(field string) string {
	return underscored.ReplaceAllStringFunc(field, func(match string) string { return strings.ToUpper(match[1:]) })
}
