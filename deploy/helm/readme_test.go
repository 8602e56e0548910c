package helm_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// TestREADMEListsValues compares the README's table of values with values.yaml. With UPDATE_README=1 it writes the table:
// see make generate.
func TestREADMEListsValues(t *testing.T) {
	t.Parallel()
	const name, begin, end = chartDir + "/README.md", "<!-- values: written by make generate -->\n", "<!-- values end -->"
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(text), begin)
	require.True(t, found)
	_, after, found := strings.Cut(rest, end)
	require.True(t, found)

	want := before + begin + valuesTable(t) + end + after
	if os.Getenv("UPDATE_README") != "" {
		require.NoError(t, os.WriteFile(name, []byte(want), 0o600)) // the file exists and keeps its mode
		return
	}
	require.Equal(t, want, string(text), "run make generate")
}

// valuesTable returns the table of the values that have a comment in values.yaml. The other values are maps of values
// with comments, or parts of a default.
func valuesTable(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chartDir, "values.yaml"))
	require.NoError(t, err)
	var document yaml.Node
	require.NoError(t, yaml.Unmarshal(text, &document))
	return "| value | default | meaning |\n| --- | --- | --- |\n" + valueRows(t, "", document.Content[0])
}

func valueRows(t testing.TB, prefix string, node *yaml.Node) string {
	t.Helper()
	var rows strings.Builder
	for i := 0; i < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		path := prefix + key.Value
		if key.HeadComment == "" {
			require.Equal(t, yaml.MappingNode, value.Kind, "%s has no comment", path)
			rows.WriteString(valueRows(t, path+".", value))
			continue
		}
		var decoded any
		require.NoError(t, value.Decode(&decoded))
		encoded, err := json.Marshal(decoded)
		require.NoError(t, err)
		comment := key.HeadComment[strings.LastIndex(key.HeadComment, "\n\n")+1:] // without the comment of the file
		meaning := strings.TrimSpace(strings.ReplaceAll(strings.TrimSpace(comment), "\n#", ""))
		_, _ = fmt.Fprintf(&rows, "| `%s` | `%s` | %s |\n", path, encoded, strings.TrimPrefix(meaning, "# "))
	}
	return rows.String()
}
