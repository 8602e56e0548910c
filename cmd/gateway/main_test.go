package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// call runs the command line and gives what it printed.
func call(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(args, &out, &err)
	return code, out.String(), err.String()
}

func TestCheckListsEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "gateway.yaml")
	require.NoError(t, os.WriteFile(file, []byte("listen: {public: nonsense}\nlimits: {maxWait: 99s}\nextra: 1\n"), 0o600))
	code, _, stderr := call("check", "--config", file)
	require.Equal(t, exitUsage, code)
	for _, path := range []string{"listen.public:", "limits.requestBudget:", "extra:", "auth:"} {
		require.Contains(t, stderr, path)
	}
}

func TestNewKeyWorksInTheKeysFile(t *testing.T) {
	t.Parallel()
	code, stdout, _ := call("keys", "new", "--id", "billing")
	require.Equal(t, exitOK, code)
	require.Regexp(t, `(?m)^fg_billing_[A-Za-z0-9]{32,}$`, stdout)

	dir := t.TempDir()
	_, entry, found := strings.Cut(stdout, "  - id:")
	require.True(t, found)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "keys.yaml"), []byte("keys:\n  - id:"+entry), 0o600))
	file := filepath.Join(dir, "gateway.yaml")
	require.NoError(t, os.WriteFile(file, []byte("auth: {apiKeys: {file: keys.yaml}}\n"), 0o600))
	code, stdout, stderr := call("check", "--config", file)
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "good")
	code, _, stderr = call("check", "--config", file, "--set", "limits.maxWait=never")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "limits.maxWait")
}

func TestWrongCallsExitWithUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{},
		{"nonsense"},
		{"serve", "--nonsense"},
		{"serve", "extra"},
		{"check", "--set", "x"},
		{"keys"},
		{"keys", "new"},
		{"keys", "new", "--id", "NOT OK"},
		{"serve", "--config", "/does/not/exist"},
	} {
		code, _, stderr := call(args...)
		require.Equal(t, exitUsage, code, args)
		require.NotEmpty(t, stderr, args)
	}
}

func TestVersionAndHelp(t *testing.T) {
	t.Parallel()
	code, stdout, _ := call("version")
	require.Equal(t, exitOK, code)
	require.Equal(t, version+"\n", stdout)
	code, stdout, _ = call("help")
	require.Equal(t, exitOK, code)
	require.Contains(t, stdout, "gateway serve --config FILE")
}
