package config_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
)

// TestREADMEListsSettings compares the README's table of settings with the code. With UPDATE_README=1 it writes the
// table: see make generate.
func TestREADMEListsSettings(t *testing.T) {
	t.Parallel()
	const name, begin, end = "../../README.md", "<!-- settings: written by make generate -->\n", "<!-- settings end -->"
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(text), begin)
	require.True(t, found)
	_, after, found := strings.Cut(rest, end)
	require.True(t, found)

	want := before + begin + settingsTable() + end + after
	if os.Getenv("UPDATE_README") != "" {
		require.NoError(t, os.WriteFile(name, []byte(want), 0o600)) // the file exists and keeps its mode
		return
	}
	require.Equal(t, want, string(text), "run make generate")
}

func settingsTable() string {
	var table strings.Builder
	table.WriteString("| Setting | Variable | Default | Meaning |\n| --- | --- | --- | --- |\n")
	for _, s := range config.Settings() {
		value := ""
		if s.Default != "" {
			value = "`" + s.Default + "`"
		}
		meaning := strings.ReplaceAll(s.Doc, "<", `\<`) // Markdown would parse it as HTML
		_, _ = fmt.Fprintf(&table, "| `%s` | `%s` | %s | %s |\n", s.Path, s.Env, value, meaning)
	}
	return table.String()
}
