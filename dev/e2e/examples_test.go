package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestExamples runs every command in the README of each folder of examples/, in order and in a copy of the folder, and
// compares the output with the documented one.
func TestExamples(t *testing.T) {
	t.Parallel()
	readmes, err := filepath.Glob("../../examples/*/README.md")
	require.NoError(t, err)
	folders, err := os.ReadDir("../../examples")
	require.NoError(t, err)
	require.Len(t, readmes, len(folders), "each folder has a README")
	for _, readme := range readmes {
		folder := filepath.Dir(readme)
		t.Run(filepath.Base(folder), func(t *testing.T) {
			t.Parallel()
			runExample(t, folder, readme)
		})
	}
}

func runExample(t *testing.T, folder, readme string) {
	t.Helper()
	const screen = 60 // lines
	text, err := os.ReadFile(readme)
	require.NoError(t, err)
	require.LessOrEqual(t, strings.Count(string(text), "\n"), screen, "the README fits on one screen")
	sh := newShell(t)
	sh.dir = filepath.Join(t.TempDir(), filepath.Base(folder))
	require.NoError(t, os.CopyFS(sh.dir, os.DirFS(folder)))
	ran := 0
	for _, block := range readFences(t, readme) {
		require.Equal(t, "console", block.language, "line %d: no test runs such a block", block.line)
		steps, err := block.steps()
		require.NoError(t, err)
		for _, s := range steps {
			sh.expect(t, s, lenient)
			ran++
		}
	}
	t.Logf("%d commands ran", ran)
}
