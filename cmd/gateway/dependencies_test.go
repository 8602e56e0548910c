package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEveryDirectDependencyHasReason compares the table in ADR 0018 with go.mod.
func TestEveryDirectDependencyHasReason(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile("../../go.mod")
	require.NoError(t, err)
	var direct []string
	for _, line := range regexp.MustCompile(`(?m)^(?:require )?\s*(\S+/\S+) v\S+(.*)$`).FindAllStringSubmatch(string(mod), -1) {
		if !strings.Contains(line[2], "// indirect") {
			direct = append(direct, line[1])
		}
	}
	require.NotEmpty(t, direct)

	page, err := os.ReadFile("../../docs/adr/0018-dependencies.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(page), "<!-- dependencies: held to go.mod by a test -->\n| module | reason |\n| --- | --- |\n")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n\n")
	var listed []string
	for line := range strings.SplitSeq(table, "\n") {
		row := regexp.MustCompile("^\\| `(.+)` \\| .+\\. \\|$").FindStringSubmatch(line)
		require.NotNil(t, row, "a module and its reason: %s", line)
		listed = append(listed, row[1])
	}
	require.Equal(t, direct, listed, "docs/adr/0018-dependencies.md and go.mod")
}
