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
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	hash := strings.Repeat("ab", 32)
	write("keys.yaml", "keys:\n  - {id: a, secrets: [{sha256: "+hash+"}, {sha256: "+hash+"}], grants: [{namespace: a, role: owner}]}\n")
	file := write("gateway.yaml", `
listen: {public: nonsense}
upstream: {address: "temporal.example:7233", credential: {mode: static, file: absent}}
auth: {apiKeys: {file: keys.yaml}}
limits: {maxWait: 99s}
extra: 1
`)
	code, _, stderr := call("check", "--config", file)
	require.Equal(t, exitUsage, code)
	for _, path := range []string{
		"listen.public:", "limits.requestBudget:", "extra:", "upstream.credential: would be sent without TLS", "upstream.credential.file:",
		"keys[0].secrets[1].sha256: is the same as", "keys[0].grants[0].role: must be",
	} {
		require.Contains(t, stderr, path)
	}
	code, _, stderr = call("check", "--config", write("none.yaml", "listen: {public: nonsense}"))
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "auth: no authentication configured")
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
