package main

import (
	"fmt"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// The older paths of all operations. They are published a second time below it.
const olderPrefix = "/api/v1/"

// nameOperations gives each a name of its own, which generators need. The paths
// of the RPC's own HTTP rule have the RPC's name; the others are told apart:
// by olderSuffix, and where the same RPC also acts on the activity of a
// workflow by workflowSuffix.
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
				return fmt.Errorf("%s %s would have the name %s, as has %s", method, path, id, other)
			}
			named[id] = method + " " + path
			set(operation, "operationId", text(id))
			describe(operation, rpc)
		}
	}
	return nil
}

// sharedNames are the RPCs that have two paths below one prefix.
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

// rpcOf gives the RPC's name, behind which the older generator numbers paths.
func rpcOf(operation *yaml.Node) string {
	return strings.TrimRight(stringAt(operation, "operationId"), "0123456789")
}

// describe gives a summary that fits a line: the RPC's name in words. What was
// the summary goes before the description.
func describe(operation *yaml.Node, rpc string) {
	description := strings.TrimSpace(cleanDescription(stringAt(operation, "summary")) + "\n\n" + stringAt(operation, "description"))
	set(operation, "summary", text(words(rpc)))
	set(operation, "description", text(description))
}

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
