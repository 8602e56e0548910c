package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/flowgate/flowgate/internal/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// write writes text to the file name in dir and returns its path.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// load loads a configuration file with the YAML text, and the environment.
func load(t *testing.T, yaml string, environ ...string) (*config.Config, error) {
	t.Helper()
	file := write(t, t.TempDir(), "flowgate.yaml", yaml)
	return config.Load(config.LoadOptions{File: file, Environ: environ})
}

// problemsOf loads an invalid configuration file and the environment. It returns the problems as lines, in which the
// directory of the file is removed.
func problemsOf(t *testing.T, yaml string, environ ...string) []string {
	t.Helper()
	dir := t.TempDir()
	_, err := config.Load(config.LoadOptions{File: write(t, dir, "flowgate.yaml", yaml), Environ: environ})
	all := lines(t, err)
	for i := range all {
		all[i] = strings.ReplaceAll(all[i], dir+string(filepath.Separator), "")
	}
	return all
}

// lines returns the problems that err lists.
func lines(t *testing.T, err error) []string {
	t.Helper()
	var problems *config.Problems
	require.ErrorAs(t, err, &problems)
	lines := make([]string, len(problems.List))
	for i, problem := range problems.List {
		lines[i] = problem.String()
	}
	return lines
}
