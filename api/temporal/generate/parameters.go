package main

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parameterTexts describe the parameters that have no description of their own.
//
//go:embed parameters.yaml
var parameterTexts string

var (
	placeholder = regexp.MustCompile(`\{([^}]+)\}`)
	underscored = regexp.MustCompile(`_[a-z]`)
)

// nameParameters gives the parameters of paths plain names. Some are fields of
// fields, such as execution.workflow_id, which many generators make no name of,
// and which let a path that is workflowId's elsewhere stand there twice.
func nameParameters(document *yaml.Node) error {
	texts, err := parse(parameterTexts)
	if err != nil {
		return err
	}
	paths := at(document, "paths")
	renamed := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Style: paths.Style}
	for path, operations := range members(paths) {
		bound := map[string]string{} // by the field's name in JSON
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
				return fmt.Errorf("%s %s is there twice", method, path)
			}
			set(existing, method, operation)
		}
	}
	*paths = *renamed
	return nil
}

// renameParameters renames the parameters of one operation. A field that the path
// gives is taken from nowhere else, though one document offers it in the query.
func renameParameters(operation *yaml.Node, bound map[string]string, texts *yaml.Node) {
	var kept []*yaml.Node
	for _, parameter := range parametersOf(operation) {
		field, place := camelCase(stringAt(parameter, "name")), stringAt(parameter, "in")
		name, inPath := bound[field]
		if inPath && place == "query" {
			continue
		}
		if place == "path" {
			set(parameter, "name", text(name))
		}
		told := stringAt(texts, place, stringAt(parameter, "name"))
		if told != "" && stringAt(parameter, "description") == "" {
			set(parameter, "description", text(told))
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

// plainName is the last part of a field's name, if that says enough.
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

// camelCase is a field's name in JSON.
func camelCase(field string) string {
	return underscored.ReplaceAllStringFunc(field, func(match string) string { return strings.ToUpper(match[1:]) })
}
