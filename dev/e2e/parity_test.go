package e2e_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestParityIsTrue reads docs/parity.md: each row's operation has the row's field, and each test that a row names is one that
// runs.
func TestParityIsTrue(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/parity.md")
	require.NoError(t, err)
	operations, tests := operationNames(t), liveTests(t)
	quoted := regexp.MustCompile("`([^`]+)`")
	first := func(cell string) string {
		if found := quoted.FindStringSubmatch(cell); found != nil {
			return found[1]
		}
		return ""
	}
	rows := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		const columns = 4
		if len(cells) != columns || first(cells[1]) == "" {
			continue
		}
		rows++
		names, known := operations[first(cells[1])]
		require.True(t, known, "there is no operation of %s", line)
		if field := first(cells[2]); field != "" {
			require.Contains(t, names, field, "%s\n%v", line, slices.Sorted(maps.Keys(names)))
		}
		proofs := quoted.FindAllStringSubmatch(cells[3], -1)
		require.NotEmpty(t, proofs, line)
		for _, proof := range proofs {
			require.Contains(t, tests, proof[1], "there is no such test: %s", line)
		}
	}
	t.Logf("%d rows of parity", rows)
	require.Greater(t, rows, 130)
}

// operationNames are, for each operation of the API's document, all parameters and members that it knows.
func operationNames(t *testing.T) map[string]map[string]bool {
	t.Helper()
	content, err := os.ReadFile("../../api/openapi.json")
	require.NoError(t, err)
	var document map[string]any
	require.NoError(t, json.Unmarshal(content, &document))
	found := map[string]map[string]bool{}
	paths, _ := document["paths"].(map[string]any)
	for _, path := range paths {
		item, _ := path.(map[string]any)
		for _, value := range item {
			operation, ok := value.(map[string]any)
			if !ok {
				continue
			}
			names := map[string]bool{}
			collect(document, operation, names, map[string]bool{})
			collect(document, item["parameters"], names, map[string]bool{})
			name, _ := operation["operationId"].(string)
			found[name] = names
		}
	}
	return found
}

// collect gathers the names of parameters and properties below a node, through references.
func collect(document map[string]any, node any, names, seen map[string]bool) {
	switch node := node.(type) {
	case []any:
		for _, element := range node {
			collect(document, element, names, seen)
		}
	case map[string]any:
		if ref, ok := node["$ref"].(string); ok && !seen[ref] {
			seen[ref] = true
			var target any = document
			for step := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
				members, _ := target.(map[string]any)
				target = members[step]
			}
			collect(document, target, names, seen)
		}
		if name, ok := node["name"].(string); ok && node["in"] != nil {
			names[name] = true
		}
		properties, _ := node["properties"].(map[string]any)
		for name := range properties {
			names[name] = true
		}
		for _, value := range node {
			collect(document, value, names, seen)
		}
	}
}

// liveTests are the tests in Go and Python that no line of their own switches off.
func liveTests(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for pattern, declaration := range map[string]*regexp.Regexp{
		"*_test.go":                  regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\) \{\n([^\n]*)`),
		"../../internal/*/*_test.go": regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\) \{\n([^\n]*)`),
		"../../e2e/*/test_*.py":      regexp.MustCompile(`(?m)^((?:@pytest[^\n]*\n)?)def (test_\w+)`),
	} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files, pattern)
		for _, file := range files {
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, match := range declaration.FindAllStringSubmatch(string(content), -1) {
				if strings.Contains(strings.ToLower(match[0]), "skip") {
					continue
				}
				name := match[1]
				if strings.HasSuffix(pattern, ".py") {
					name = match[2]
				}
				found[name] = true
			}
		}
	}
	return found
}
