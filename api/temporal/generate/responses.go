package main

import "go.yaml.in/yaml/v3"

// addErrorResponses tells of the errors that each operation can end with. What they
// are is among the additions; default stays, for those that are not told of.
func addErrorResponses(document *yaml.Node, prefix string, severities []string) {
	for _, path := range members(at(document, "paths")) {
		for _, operation := range members(path) {
			answers := at(operation, "responses")
			rest := at(answers, "default")
			remove(answers, "default")
			add := func(status, name string) { set(answers, status, object("$ref", text(prefix+name))) }
			add("400", "BadRequest")
			add("401", "Unauthenticated")
			add("403", "PermissionDenied")
			add("404", "NotFound")
			if hasBody(operation) {
				add("413", "TooLarge")
			}
			add("429", "TooManyRequests")
			for _, status := range severities {
				add(status, "Failed")
			}
			set(answers, "default", rest)
		}
	}
}

func hasBody(operation *yaml.Node) bool {
	if at(operation, "requestBody") != nil {
		return true
	}
	for _, parameter := range parametersOf(operation) {
		if stringAt(parameter, "in") == "body" {
			return true
		}
	}
	return false
}
