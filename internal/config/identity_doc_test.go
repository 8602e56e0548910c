package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
)

// Every configuration in docs/identity.md must be valid, except that its files do not exist.
func TestConfigurationsInIdentityGuideAreValid(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/identity.md")
	require.NoError(t, err)
	examples := 0
	for block := range strings.SplitSeq(string(text), "```yaml\n") {
		example, _, _ := strings.Cut(block, "```")
		if !strings.HasPrefix(example, "# gateway.yaml\n") {
			continue
		}
		examples++
		file := filepath.Join(t.TempDir(), "gateway.yaml")
		require.NoError(t, os.WriteFile(file, []byte(example), 0o600))
		_, err := config.Load(config.LoadOptions{File: file})
		if err == nil {
			continue
		}
		for _, line := range lines(t, err) {
			missingFile := strings.Contains(line, " cannot be read: no such file or directory")
			missingAuth := strings.HasPrefix(line, "auth: no authentication configured") && !strings.Contains(example, "auth:")
			require.True(t, missingFile || missingAuth, "%s\n%s", line, example)
		}
	}
	require.Greater(t, examples, 4)
}
