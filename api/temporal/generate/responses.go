package main

import "go.yaml.in/yaml/v3"

// addErrorResponses adds the error responses to each operation, as references
// to responses that the merge patch defines. The default response stays, for
// all other statuses.
func addErrorResponses(document *yaml.Node, prefix string, serverErrors []string) {
	for _, path := range members(at(document, "paths")) {
		for _, operation := range members(path) {
			responses := at(operation, "responses")
			fallback := at(responses, "default")
			remove(responses, "default")
			add := func(status, name string) { set(responses, status, object("$ref", text(prefix+name))) }
			add("400", "BadRequest")
			add("401", "Unauthenticated")
			add("403", "PermissionDenied")
			add("404", "NotFound")
			if hasBody(operation) {
				add("413", "TooLarge")
			}
			add("429", "TooManyRequests")
			for _, status := range serverErrors {
				add(status, "Failed")
			}
			set(responses, "default", fallback)
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
