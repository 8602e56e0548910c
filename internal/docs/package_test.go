package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The embedded files of Swagger UI must equal those of the npm package, which
// package-lock.json pins by its hash.
func TestSwaggerUIMatchesThePinnedPackage(t *testing.T) {
	t.Parallel()
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("npm is not installed")
	}
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", ".npmrc"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), readFile(t, filepath.Join("ui", name)), 0o600))
	}
	install := exec.CommandContext(t.Context(), npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund") //nolint:gosec // npm from PATH
	install.Dir = dir
	output, err := install.CombinedOutput()
	require.NoError(t, err, string(output))

	embedded, err := filepath.Glob("ui/swagger-ui/*")
	require.NoError(t, err)
	require.Len(t, embedded, 5)
	for _, name := range embedded {
		original := filepath.Join(dir, "node_modules", "swagger-ui-dist", filepath.Base(name))
		require.Equal(t, string(readFile(t, original)), string(readFile(t, name)), "%s: run make generate", name)
	}
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(name) //nolint:gosec // a file of the test
	require.NoError(t, err)
	return content
}
