package main

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// linterComments matches the comments for the linter of the protobuf files.
var linterComments = regexp.MustCompile(`(?s)\s*\(--.*?--\)`)

// cleanDescriptions removes linter comments from descriptions, and sets the
// formats that OpenAPI has for bytes and enums. It adds an example for
// durations, because API consoles generate one of thousands of years from the
// pattern.
func cleanDescriptions(document *yaml.Node) {
	each(document, func(node *yaml.Node) {
		for _, key := range []string{"description", "title"} {
			if value := at(node, key); value != nil && value.Kind == yaml.ScalarNode {
				set(node, key, text(cleanDescription(value.Value)))
			}
		}
		switch stringAt(node, "format") {
		case "bytes":
			set(node, "format", text("byte"))
		case "enum":
			remove(node, "format")
		}
		if pattern := stringAt(node, "pattern"); strings.HasPrefix(pattern, "^-?") && strings.HasSuffix(pattern, "s$") {
			set(node, "example", text("60s"))
		}
	})
}

// cleanDescription removes linter comments and the space before each line of a
// comment in a protobuf file. Markdown would take four spaces for code.
func cleanDescription(description string) string {
	lines := strings.Split(linterComments.ReplaceAllString(description, ""), "\n")
	for i, line := range lines {
		line = strings.TrimRight(line, " \t")
		if i > 0 {
			line = strings.TrimPrefix(line, " ")
		}
		lines[i] = strings.ReplaceAll(line, "\t", "  ")
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}
