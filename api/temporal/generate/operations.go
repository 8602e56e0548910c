package main

import (
	"fmt"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// olderPrefix is the prefix of the older paths, which all operations have too.
const olderPrefix = "/api/v1/"

// nameOperations sets a unique operationId for each operation, which generators
// need. It is the name of the RPC, with olderSuffix for the older path, and
// with workflowSuffix for the path on a workflow if the same RPC has another
// path.
func nameOperations(document *yaml.Node) error {
	const olderSuffix, workflowSuffix = "ApiV1", "OfWorkflow"
	named := map[string]string{}
	shared := sharedNames(document)
	for path, operations := range members(at(document, "paths")) {
		for method, operation := range members(operations) {
			rpc := rpcOf(operation)
			id := rpc
			if shared[rpc] && strings.Contains(path, "/workflows/{") {
				id += workflowSuffix
			}
			if strings.HasPrefix(path, olderPrefix) {
				id += olderSuffix
				tag := at(operation, "tags").Content[0]
				tag.Value += olderSuffix
			}
			if other, taken := named[id]; taken {
				return fmt.Errorf("%s %s would have the operationId %s, like %s", method, path, id, other)
			}
			named[id] = method + " " + path
			set(operation, "operationId", text(id))
			describe(operation, rpc)
		}
	}
	return nil
}

// sharedNames returns the RPCs with two paths below one prefix.
func sharedNames(document *yaml.Node) map[string]bool {
	count := map[string]int{}
	for path, operations := range members(at(document, "paths")) {
		for _, operation := range members(operations) {
			if !strings.HasPrefix(path, olderPrefix) {
				count[rpcOf(operation)]++
			}
		}
	}
	shared := map[string]bool{}
	for rpc, paths := range count {
		shared[rpc] = paths > 1
	}
	return shared
}

// rpcOf returns the name of the RPC, without the number that the older
// generator appends for further paths.
func rpcOf(operation *yaml.Node) string {
	return strings.TrimRight(stringAt(operation, "operationId"), "0123456789")
}

// describe sets the summary to the name of the RPC in words, which fits a line.
// The old summary becomes the start of the description.
func describe(operation *yaml.Node, rpc string) {
	description := strings.TrimSpace(cleanDescription(stringAt(operation, "summary")) + "\n\n" + stringAt(operation, "description"))
	set(operation, "summary", text(words(rpc)))
	set(operation, "description", text(description))
}

// words splits a CamelCase name into words.
func words(name string) string {
	var spaced strings.Builder
	for i, letter := range name {
		if i > 0 && unicode.IsUpper(letter) {
			spaced.WriteByte(' ')
			letter = unicode.ToLower(letter)
		}
		spaced.WriteRune(letter)
	}
	return spaced.String()
}
