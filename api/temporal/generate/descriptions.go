package main

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// linterComments are what the authors of the protobuf files tell their own linter.
var linterComments = regexp.MustCompile(`(?s)\s*\(--.*?--\)`)

// tidy takes out of descriptions what is not for their reader, gives bytes and
// enumerations the formats that OpenAPI has for them, and durations an example:
// pages to try an API make one up from the pattern, of thousands of years.
func tidy(document *yaml.Node) {
	each(document, func(node *yaml.Node) {
		for _, key := range []string{"description", "title"} {
			if told := at(node, key); told != nil && told.Kind == yaml.ScalarNode {
				set(node, key, text(cleanDescription(told.Value)))
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

// cleanDescription also drops the space that comes before each line of a comment in a
// protobuf file, which would be code to Markdown once it is four wide.
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
