package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// runCommand runs a command line and returns the exit code and the output.
func runCommand(args ...string) (code int, stdout, stderr string) { return runWithInput("", args...) }

// runWithInput is runCommand with standard input.
func runWithInput(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(args, stdio{strings.NewReader(stdin), &out, &err})
	return code, out.String(), err.String()
}

func TestHashOfKeyWorksInKeysFile(t *testing.T) {
	t.Parallel()
	const key = "fg_billing_MARKERMARKERMARKERMARKERMARKERMARKER"
	code, stdout, _ := runWithInput(key+"\n", "keys", "hash")
	require.Equal(t, exitOK, code)
	require.NotContains(t, stdout, "MARKER")
	_, entry, found := strings.Cut(stdout, "\n") // the entry of the secret follows a comment line
	require.True(t, found)
	file := filepath.Join(t.TempDir(), "keys.yaml")
	require.NoError(t, os.WriteFile(file, []byte("keys:\n  - {id: billing, secrets: ["+strings.TrimSpace(entry)+
		"], grants: [{namespace: orders, role: write}]}\n  - {id: old, disabled: true, secrets: ["+strings.TrimSpace(entry)+"]}\n"), 0o600))
	code, stdout, stderr := runCommand("keys", "check", "--file", file)
	require.Equal(t, exitOK, code, stderr)
	require.Equal(t, "billing: write on orders; 1 active secret\nold: disabled\n", stdout)

	for _, invalid := range []string{"", "MARKER", "fg_billing_MARKER", "fg_billing_" + strings.Repeat("MARKER", 2000)} {
		code, stdout, stderr := runWithInput(invalid, "keys", "hash")
		require.Equal(t, exitUsage, code)
		require.NotContains(t, stdout+stderr, "MARKER")
	}
	require.NoError(t, os.WriteFile(file, []byte("keys: [{id: A, secrets: []}]"), 0o600))
	code, _, stderr = runCommand("keys", "check", "--file", file)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "keys[0].id: must be")
	require.Contains(t, stderr, "keys[0].secrets: must have at least one")
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
	code, _, stderr := runCommand("check", "--config", file)
	require.Equal(t, exitUsage, code)
	for _, path := range []string{
		"listen.public:", "extra:",
		"limits.requestBudget:", // its default of 58s is below limits.maxWait
		"upstream.credential: would be sent without TLS", "upstream.credential.file:",
		"keys[0].secrets[1].sha256: is the same as", "keys[0].grants[0].role: must be",
	} {
		require.Contains(t, stderr, path)
	}
	code, _, stderr = runCommand("check", "--config", write("none.yaml", "listen: {public: nonsense}"))
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "auth: no authentication configured")
}

// Problems of the keys file and of all files of signing and issuer keys are reported
// together, without problems that only follow from another one.
func TestCheckListsProblemsOfEveryIdentityFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"signing.pem": "no key", "issuer.pem": "no key either",
		"keys.yaml": "keys: [{id: A, secrets: [{sha256: " + strings.Repeat("ab", 32) + "}], credential: {mode: mint}}]",
		"gateway.yaml": `
upstream: {credential: {mode: mint, mint: {keyFile: signing.pem}}}
auth:
  apiKeys: {file: keys.yaml}
  jwt: [{issuer: "https://idp.example", audience: [flowgate], publicKeyFile: issuer.pem, credential: mint}]
`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	code, _, stderr := runCommand("check", "--config", filepath.Join(dir, "gateway.yaml"))
	require.Equal(t, exitUsage, code)
	for _, problem := range []string{"upstream.credential.mint.keyFile: " + filepath.Join(dir, "signing.pem"), filepath.Join(dir, "keys.yaml") + ": keys[0].id: must be", "auth.jwt[0].publicKeyFile: " + filepath.Join(dir, "issuer.pem")} {
		require.Contains(t, stderr, problem)
	}
	require.NotContains(t, stderr, "needs upstream.credential.mint")

	code, _, stderr = runCommand("check", "--config", filepath.Join(dir, "gateway.yaml"), "--set", "upstream.credential.mint.keyFile=/dev/zero")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "upstream.credential.mint.keyFile: /dev/zero is not a regular file")
}

// Every line about a problem with a file must contain the name of the file.
func TestCheckPrintsFileName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, keysFile := filepath.Join(dir, "gateway.yaml"), filepath.Join(dir, "keys.yaml")
	write := func(name, text string) { require.NoError(t, os.WriteFile(name, []byte(text), 0o600)) }
	code, _, stderr := runCommand("check", "--config", file)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, file+" cannot be read: no such file or directory\n")

	write(file, "auth: {apiKeys: {file: keys.yaml}}\n")
	_, _, stderr = runCommand("check", "--config", file)
	require.Equal(t, "auth.apiKeys.file: "+keysFile+" cannot be read: no such file or directory\n", stderr)

	write(keysFile, "keys: [{id: A, secrets: []}]")
	_, _, stderr = runCommand("check", "--config", file)
	require.Equal(t, keysFile+": keys[0].id: must be 1 to 32 of a-z, 0-9 and -\n"+
		keysFile+": keys[0].secrets: must have at least one\n", stderr)

	write(keysFile, "keys: [")
	_, _, stderr = runCommand("check", "--config", file)
	require.Equal(t, keysFile+": line 1: did not find expected node content\n", stderr)

	write(file, "auth: [")
	_, _, stderr = runCommand("check", "--config", file)
	require.Contains(t, stderr, file+": line 1: did not find expected node content\n")
}

func TestNewKeyWorksInKeysFile(t *testing.T) {
	t.Parallel()
	code, stdout, _ := runCommand("keys", "new", "--id", "billing")
	require.Equal(t, exitOK, code)
	require.Regexp(t, `(?m)^fg_billing_[A-Za-z0-9]{32,}$`, stdout)

	dir := t.TempDir()
	_, entry, found := strings.Cut(stdout, "  - id:")
	require.True(t, found)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "keys.yaml"), []byte("keys:\n  - id:"+entry), 0o600))
	file := filepath.Join(dir, "gateway.yaml")
	require.NoError(t, os.WriteFile(file, []byte("auth: {apiKeys: {file: keys.yaml}}\n"), 0o600))
	code, stdout, stderr := runCommand("check", "--config", file)
	require.Equal(t, exitOK, code, stderr)
	require.Equal(t, "configuration OK\n", stdout)
	code, _, stderr = runCommand("check", "--config", file, "--set", "limits.maxWait=never")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "limits.maxWait")
}

// An init container has no shell: the command writes its files itself, and does nothing if it runs again.
func TestNewKeyWritesFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, out := filepath.Join(dir, "keys.yaml"), filepath.Join(dir, "key")
	args := []string{"keys", "new", "--id", "billing", "--grant", "orders=write", "--grant", "reports-*=read", "--grant", "default=signal+query", "--file", file, "--out", out, "--once"}
	code, stdout, stderr := runCommand(args...)
	require.Equal(t, exitOK, code, stderr)
	require.Empty(t, stdout+stderr)
	key, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Regexp(t, `^fg_billing_[A-Za-z0-9]{32,}\n$`, string(key))
	first, err := os.ReadFile(file)
	require.NoError(t, err)
	_, hash, _ := runWithInput(string(key), "keys", "hash")
	require.Contains(t, string(first), hash[strings.Index(hash, "{"):strings.Index(hash, "}")])
	for _, name := range []string{file, out} {
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode())
	}

	code, stdout, stderr = runCommand(args...)
	require.Equal(t, exitOK, code, stderr)
	require.Empty(t, stdout+stderr)
	code, stdout, stderr = runCommand("keys", "new", "--id", "left", "--file", file)
	require.Equal(t, exitOK, code, stderr)
	require.Regexp(t, `(?m)^fg_left_[A-Za-z0-9]{32,}$`, stdout)
	_, stdout, _ = runCommand("keys", "check", "--file", file)
	require.Contains(t, stdout, "billing: write on orders, read on reports-*, signal, query on default;")
	require.Contains(t, stdout, "left: no grants;")
	again, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Equal(t, key, again)
	both, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(both), string(first))
}

// A failure changes no file.
func TestNewKeyReplacesNoFile(t *testing.T) {
	t.Parallel()
	const existing = "existing"
	hash := strings.Repeat("ab", 32)
	for name, c := range map[string]struct {
		content string
		out     string
		args    []string
		code    int
		message string
	}{
		"the id exists":           {"keys: \n  - {id: billing, secrets: [{sha256: " + hash + "}]}", "key", nil, exitFailure, "the file would be invalid"},
		"a list in another form":  {"keys: []\n", "key", nil, exitFailure, "the file would be invalid"},
		"an invalid file":         {"keys: [", "key", []string{"--once"}, exitUsage, "line 1"},
		"the out file exists":     {"keys:\n", existing, nil, exitFailure, "file exists"},
		"an invalid namespace":    {"keys:\n", "key", []string{"--grant", "a*b=read"}, exitUsage, "namespace: must be"},
		"an invalid role":         {"keys:\n", "key", []string{"--grant", "a=owner"}, exitUsage, `"owner" is neither a role, which must be`},
		"an invalid operation":    {"keys:\n", "key", []string{"--grant", "a=signal+owner"}, exitUsage, `"owner" is neither a role, which must be`},
		"a role and an operation": {"keys:\n", "key", []string{"--grant", "a=write+signal"}, exitUsage, `"write" is neither a role, which must be`},
		"no role":                 {"keys:\n", "key", []string{"--grant", "a"}, exitUsage, "NAMESPACE=ROLE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file, out := filepath.Join(dir, "keys.yaml"), filepath.Join(dir, c.out)
			require.NoError(t, os.WriteFile(file, []byte(c.content), 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(dir, existing), []byte("another key"), 0o600))
			code, stdout, stderr := runCommand(append([]string{"keys", "new", "--id", "billing", "--file", file, "--out", out}, c.args...)...)
			require.Equal(t, c.code, code)
			require.Contains(t, stderr, c.message)
			require.Empty(t, stdout)
			for name, content := range map[string]string{"keys.yaml": c.content, existing: "another key"} {
				kept, err := os.ReadFile(filepath.Join(dir, name))
				require.NoError(t, err)
				require.Equal(t, content, string(kept))
			}
			require.NoFileExists(t, filepath.Join(dir, "key"))
		})
	}
	code, _, stderr := runCommand("keys", "new", "--id", "billing", "--once")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "usage:")
}

func TestJWKSWritesPublishedSet(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	require.NoError(t, os.WriteFile(filepath.Join(dir, "signing.pem"), private, 0o600))
	file, out := filepath.Join(dir, "gateway.yaml"), filepath.Join(dir, "jwks.json")
	require.NoError(t, os.WriteFile(file, []byte("auth: {insecureAnonymous: true}\n"+
		"upstream: {credential: {mode: mint, mint: {keyFile: signing.pem}}}\n"), 0o600))
	code, stdout, stderr := runCommand("jwks", "--config", file)
	require.Equal(t, exitOK, code, stderr)
	require.Regexp(t, `^\{"keys":\[\{.*"kty":"EC".*\}\]\}\n$`, stdout)
	require.NotContains(t, stdout, `"d":`)
	code, _, stderr = runCommand("jwks", "--config", file, "--out", out)
	require.Equal(t, exitOK, code, stderr)
	written, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Equal(t, stdout, string(written))

	require.NoError(t, os.WriteFile(file, []byte("auth: {insecureAnonymous: true}\n"), 0o600))
	code, _, stderr = runCommand("jwks", "--config", file)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "upstream.credential.mint.keyFile: is missing")
}

func TestInvalidArgumentsExitWithUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{},
		{"nonsense"},
		{"serve", "--nonsense"},
		{"serve", "extra"},
		{"check", "--set", "x"},
		{"config"},
		{"config", "print", "extra"},
		{"explain"},
		{"explain", "--help"},
		{"explain", "a", "b"},
		{"keys"},
		{"keys", "new"},
		{"keys", "new", "--id", "NOT OK"},
		{"keys", "hash", "fg_dev_00000000000000000000000000000000"},
		{"keys", "check"},
		{"keys", "check", "--file", "/does/not/exist"},
		{"serve", "--config", "/does/not/exist"},
	} {
		code, _, stderr := runCommand(args...)
		require.Equal(t, exitUsage, code, args)
		require.NotEmpty(t, stderr, args)
	}
}

// A service manager restarts the gateway after a failure, but not if a restart cannot help. The test is not parallel,
// because serve sets the minimum interval of DNS lookups, which is global in gRPC.
//
//nolint:paralleltest // see above
func TestServeDistinguishesInvalidConfigurationFromFailure(t *testing.T) {
	dir := t.TempDir()
	file, keysFile := filepath.Join(dir, "gateway.yaml"), filepath.Join(dir, "keys.yaml")
	writeFile(t, file, "listen: {public: \"127.0.0.1:0\", admin: \"127.0.0.1:0\"}\nauth: {apiKeys: {file: keys.yaml}}\n")
	writeFile(t, keysFile, "keys: [{id: A, secrets: []}]")
	code, _, stderr := runCommand("serve", "--config", file)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, keysFile+": keys[0].id: must be")

	writeFile(t, keysFile, "keys: []")
	signing := filepath.Join(dir, "signing.pem")
	writeFile(t, signing, "no key")
	code, _, stderr = runCommand("serve", "--config", file, "--set", "upstream.credential.mode=mint", "--set", "upstream.credential.mint.keyFile="+signing)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "upstream.credential.mint.keyFile: "+signing)

	occupied, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, occupied.Close()) }()
	code, _, stderr = runCommand("serve", "--config", file, "--set", "listen.public="+occupied.Addr().String())
	require.Equal(t, exitFailure, code)
	require.Contains(t, stderr, "address already in use")
}

func TestVersionAndHelp(t *testing.T) {
	t.Parallel()
	code, stdout, _ := runCommand("version")
	require.Equal(t, exitOK, code)
	require.Equal(t, version+"\n", stdout)
	code, stdout, _ = runCommand("help")
	require.Equal(t, exitOK, code)
	require.Contains(t, stdout, "gateway serve --config FILE")
}

func writeFile(t *testing.T, name, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(name, []byte(content), 0o600))
}
