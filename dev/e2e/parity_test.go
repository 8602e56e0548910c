package e2e_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestParity checks docs/parity.md, which lists the methods and parameters of the Temporal SDK with the operations and
// fields of the client API and the tests that cover them. In each row, the operation must exist and have the field, and
// the tests must exist and not be skipped. At least one test must mention the operation and the field.
func TestParity(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/parity.md")
	require.NoError(t, err)
	operations, withRealServer, withFakeServer := operationsOfDocument(t), runnableTests(t, realServerSources), runnableTests(t, fakeServerSources, handlerSources)
	quoted, named := regexp.MustCompile("`([^`]+)`"), regexp.MustCompile("`([^`]+)`( \\(virtual time\\))?")
	first := func(cell string) string {
		if found := quoted.FindStringSubmatch(cell); found != nil {
			return found[1]
		}
		return ""
	}
	rows, tests := 0, map[string]bool{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		const columns = 4
		if len(cells) != columns || slices.Contains([]string{"operation", "---"}, strings.TrimSpace(cells[1])) {
			continue
		}
		rows++
		operation, known := operations[first(cells[1])]
		require.True(t, known, "unknown operation: %s", line)
		field := first(cells[2])
		if field != "" {
			require.Contains(t, operation.names, field, "%s\n%v", line, slices.Sorted(maps.Keys(operation.names)))
		}
		cited := named.FindAllStringSubmatch(cells[3], -1)
		require.NotEmpty(t, cited, line)
		mentioned := false
		for _, test := range cited {
			sources := withRealServer
			if test[2] != "" {
				sources = withFakeServer
			}
			source, runs := sources[test[1]]
			require.True(t, runs, "unknown test: %s", line)
			tests[test[1]] = true
			mentioned = mentioned || mentions(source, operation.segment) && mentions(source, field)
		}
		require.True(t, mentioned, "none of its tests mentions both %q and %q: %s", operation.segment, field, line)
	}
	t.Logf("checked %d rows of docs/parity.md, with %d tests", rows, len(tests))
	require.Greater(t, rows, 400, "the format of the document has changed")
}

// mentions reports whether the source text of a test contains name, in any case. A test without text, which is a Python
// test, mentions every name: it calls methods of a client, whose names differ.
func mentions(text, name string) bool {
	return text == "" || strings.Contains(strings.ToLower(text), strings.ToLower(name))
}

// documentedOperation is an operation of the OpenAPI document.
type documentedOperation struct {
	names   map[string]bool // of all parameters and JSON members
	segment string          // the last path segment that is not a parameter; empty for "/workflows"
}

func operationsOfDocument(t *testing.T) map[string]documentedOperation {
	t.Helper()
	content, err := os.ReadFile("../../api/openapi.json")
	require.NoError(t, err)
	var document map[string]any
	require.NoError(t, json.Unmarshal(content, &document))
	found := map[string]documentedOperation{}
	last := regexp.MustCompile(`([/:][\w.-]+)(/\{\w+\})?$`)
	paths, _ := document["paths"].(map[string]any)
	for path, value := range paths {
		item, _ := value.(map[string]any)
		for _, value := range item {
			operation, ok := value.(map[string]any)
			if !ok {
				continue
			}
			names := headersOfEveryRequest(document)
			collectNames(document, operation, names, map[string]bool{})
			collectNames(document, item["parameters"], names, map[string]bool{})
			name, _ := operation["operationId"].(string)
			found[name] = documentedOperation{names, strings.TrimPrefix(last.FindStringSubmatch(path)[1], "/workflows")}
		}
	}
	return found
}

// headersOfEveryRequest returns the headers that the description of the document lists for all operations.
func headersOfEveryRequest(document map[string]any) map[string]bool {
	info, _ := document["info"].(map[string]any)
	description, _ := info["description"].(string)
	_, section, _ := strings.Cut(description, "### Headers of every request\n")
	section, _, _ = strings.Cut(section, "\n### ")
	names := map[string]bool{}
	for _, item := range regexp.MustCompile("(?m)^- `([\\w-]+)").FindAllStringSubmatch(section, -1) {
		names[item[1]] = true
	}
	return names
}

// collectNames adds the names of all parameters and properties below a node of the document to names. It follows each
// reference once.
func collectNames(document map[string]any, node any, names, seen map[string]bool) {
	switch node := node.(type) {
	case []any:
		for _, element := range node {
			collectNames(document, element, names, seen)
		}
	case map[string]any:
		if ref, ok := node["$ref"].(string); ok && !seen[ref] {
			seen[ref] = true
			var target any = document
			for step := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
				members, _ := target.(map[string]any)
				target = members[step]
			}
			collectNames(document, target, names, seen)
		}
		if name, ok := node["name"].(string); ok && node["in"] != nil {
			names[name] = true
		}
		properties, _ := node["properties"].(map[string]any)
		for name := range properties {
			names[name] = true
		}
		for _, value := range node {
			collectNames(document, value, names, seen)
		}
	}
}

// The sources of the tests: Go tests with a real Temporal server, Go tests with a fake one, which run in virtual time
// (two patterns), and Python tests with a real server.
const (
	realServerSources = "*_test.go"
	fakeServerSources = "../../internal/*/*_test.go"
	handlerSources    = "../../internal/handlers/*/*_test.go"
	pythonSources     = "../../e2e/*/test_*.py"
)

// runnableTests returns the tests that are not skipped, by name. The text of a Go test includes the declarations that
// it uses. The tests with a real server include Python tests, whose text is empty.
func runnableTests(t *testing.T, patterns ...string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for directory, declarations := range declarationsIn(t, patterns...) {
		for name, text := range declarations {
			_, body, _ := strings.Cut(text, "\n")
			firstLine, _, _ := strings.Cut(body, "\n") // calls t.Skip if the test is skipped
			if strings.HasPrefix(name, "Test") && !strings.Contains(strings.ToLower(firstLine), "skip") {
				found[name] = withHelpers(text, declarations)
			}
		}
		require.NotEmpty(t, declarations, directory)
	}
	if !slices.Contains(patterns, realServerSources) {
		return found
	}
	declaration := regexp.MustCompile(`(?m)^((?:@pytest[^\n]*\n)?)def (test_\w+)`)
	for _, content := range contentsOf(t, pythonSources) {
		for _, match := range declaration.FindAllStringSubmatch(content, -1) {
			if !strings.Contains(match[1], "skip") {
				found[match[2]] = ""
			}
		}
	}
	return found
}

var identifier = regexp.MustCompile(`[A-Za-z_]\w*`)

// withHelpers appends the declarations that text uses, and those that these use in turn.
func withHelpers(text string, declarations map[string]string) string {
	const depth = 2
	seen := map[string]bool{}
	for range depth {
		for _, name := range identifier.FindAllString(text, -1) {
			if !seen[name] && !strings.HasPrefix(name, "Test") {
				seen[name] = true
				text += declarations[name]
			}
		}
	}
	return text
}

// declarationsIn returns the source text of the declarations in the files that match one of the patterns, by directory and name.
func declarationsIn(t *testing.T, patterns ...string) map[string]map[string]string {
	t.Helper()
	found := map[string]map[string]string{}
	for file, content := range contentsOf(t, patterns...) {
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, content, parser.SkipObjectResolution)
		require.NoError(t, err)
		directory := filepath.Dir(file)
		if found[directory] == nil {
			found[directory] = map[string]string{}
		}
		add := func(name string, node ast.Node) {
			found[directory][name] += content[set.Position(node.Pos()).Offset:set.Position(node.End()).Offset] + "\n"
		}
		for _, declaration := range parsed.Decls {
			switch declaration := declaration.(type) {
			case *ast.FuncDecl:
				add(declaration.Name.Name, declaration)
			case *ast.GenDecl:
				for _, spec := range declaration.Specs {
					if value, is := spec.(*ast.ValueSpec); is {
						add(value.Names[0].Name, value)
					}
				}
			}
		}
	}
	return found
}

// contentsOf returns the contents of the files that match one of the patterns.
func contentsOf(t *testing.T, patterns ...string) map[string]string {
	t.Helper()
	contents := map[string]string{}
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files, pattern)
		for _, file := range files {
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			contents[file] = string(content)
		}
	}
	return contents
}
