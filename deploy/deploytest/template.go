package deploytest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Rewrite copies a file of the repository to the path to, and replaces texts in it: the pairs of old and new text that
// an operator replaces too, such as addresses. The test fails if the file does not contain an old text.
func Rewrite(t testing.TB, file, to string, pairs ...string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(Repository(t), file)) //nolint:gosec // a file of the repository
	require.NoError(t, err)
	for i := 0; i < len(pairs); i += 2 {
		require.Contains(t, string(text), pairs[i], file)
	}
	rewritten := strings.NewReplacer(pairs...).Replace(string(text))
	require.NoError(t, os.WriteFile(to, []byte(rewritten), 0o600)) //nolint:gosec // a path of the test
}
