package config_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
)

func TestDefaults(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load(config.LoadOptions{Environ: []string{"FLOWGATE_AUTH_INSECURE_ANONYMOUS=true", "HOME=/"}})
	require.NoError(t, err)
	want := config.Default()
	want.Auth.InsecureAnonymous = true
	require.Equal(t, &want, cfg)
}

// TestFileWithDefaults loads a file that sets most settings to their defaults.
func TestFileWithDefaults(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "keys.yaml", "keys: []")
	file := write(t, dir, "flowgate.yaml", `
listen: {public: ":8080", admin: "127.0.0.1:8081", drainDelay: 5s}
upstream:
  address: localhost:7233
  metadata: {}
  tls: {enabled: false, caFile: "", certFile: "", keyFile: "", serverName: ""}
  keepAlive: {interval: 30s, timeout: 15s}
  retry: {initialInterval: 100ms, multiplier: 1.7, maxInterval: 5s, maxElapsed: 10s, maxAttempts: 10}
  proxy: {address: "", basicAuthFile: ""}      # HTTP CONNECT
  credential: {mode: none}
namespaces:
  orders.a1b2c: {queryRejectCondition: NOT_OPEN, metadata: {x-team.name: orders}}
  plain:
auth:
  apiKeys: {file: keys.yaml}
tokens: {keyFiles: []}
limits: {maxWait: 55s, requestBudget: 58s, maxBodyBytes: 4194304, timeouts: {default: 30s, longPoll: 70s, max: 5m}}
log:
`)
	cfg, err := config.Load(config.LoadOptions{File: file})
	require.NoError(t, err)

	want := config.Default()
	want.Auth.APIKeys.File = filepath.Join(dir, "keys.yaml")
	want.Tokens.KeyFiles = []string{}
	want.Upstream.Metadata = config.Metadata{}
	want.Namespaces = map[string]config.Namespace{"orders.a1b2c": {
		QueryRejectCondition: config.QueryRejectNotOpen,
		Metadata:             config.Metadata{"x-team.name": "orders"},
	}}
	require.Equal(t, &want, cfg)
}

func TestLaterSourcesOverrideEarlierOnes(t *testing.T) {
	t.Parallel()
	file := write(t, t.TempDir(), "flowgate.yaml", `
auth: {insecureAnonymous: true}
limits: {maxWait: 10s, requestBudget: 11s}
upstream: {callerMetadata: [x-a, x-b], address: "file:1"}
`)
	cfg, err := config.Load(config.LoadOptions{
		File:      file,
		Environ:   []string{"FLOWGATE_LIMITS_MAX_WAIT=9s", "FLOWGATE_UPSTREAM_CALLER_METADATA=x-c", "FLOWGATE_UPSTREAM_ADDRESS=env:2"},
		Overrides: map[string]string{"upstream.address": "flag:3", "upstream.retry.multiplier": "2", "limits.maxBodyBytes": "7"},
	})
	require.NoError(t, err)
	require.Equal(t, 9*time.Second, cfg.Limits.MaxWait)
	require.Equal(t, 11*time.Second, cfg.Limits.RequestBudget)
	require.Equal(t, []string{"x-c"}, cfg.Upstream.CallerMetadata)
	require.Equal(t, "flag:3", cfg.Upstream.Address)
	require.InDelta(t, 2.0, cfg.Upstream.Retry.Multiplier, 0)
	require.EqualValues(t, 7, cfg.Limits.MaxBodyBytes)
	require.Equal(t, config.Default().Upstream.KeepAlive, cfg.Upstream.KeepAlive)
}

func TestRelativeFilesAreRelativeToConfigurationFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "keys.yaml", "")
	key := write(t, dir, "token.key", "0123456789abcdef0123456789abcdef")
	other := write(t, t.TempDir(), "absolute.key", "0123456789abcdef0123456789abcdef")
	file := write(t, dir, "flowgate.yaml", "auth: {apiKeys: {file: keys.yaml}}")
	cfg, err := config.Load(config.LoadOptions{
		File:    file,
		Environ: []string{"FLOWGATE_TOKENS_KEY_FILES=token.key, " + other},
	})
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "keys.yaml"), cfg.Auth.APIKeys.File)
	require.Equal(t, []string{key, other}, cfg.Tokens.KeyFiles)
}

func TestKubernetesServiceLinksAreIgnored(t *testing.T) {
	t.Parallel()
	_, err := config.Load(config.LoadOptions{Environ: []string{
		"FLOWGATE_AUTH_INSECURE_ANONYMOUS=true",
		"FLOWGATE_SERVICE_HOST=10.0.0.1",
		"FLOWGATE_SERVICE_PORT=80",
		"FLOWGATE_SERVICE_PORT_HTTP=80",
		"FLOWGATE_PORT=tcp://10.0.0.1:80",
		"FLOWGATE_PORT_80_TCP=tcp://10.0.0.1:80",
		"FLOWGATE_PORT_80_TCP_PROTO=tcp",
		"FLOWGATE_PORT_80_TCP_ADDR=10.0.0.1",
		"FLOWGATE_ADMIN_SERVICE_HOST=10.0.0.2",
	}})
	require.NoError(t, err)
}

func TestEveryProblemIsReported(t *testing.T) {
	t.Parallel()
	got := problemsOf(t, `
limits:
  maxWait: soon
  maxBodyBytes: 1.5
  maxWait: 3s
  MaxWait: 3s
listen: 8080
upstream:
  address: 7233
  callerMetadata: x-a
  tls: {enabled: "true", caFiles: a}
  retry: {multiplier: true}
  metadata: {x-a: 1}
namespaces:
  a.b: {rejectCondition: NONE}
  c: [1]
auth: {apiKeys: {file: [keys.yaml]}}
8: 9
tracing: {}
`, "FLOWGATE_LIMIT_MAX_WAIT=1s", "FLOWGATE_LISTEN_DRAIN_DELAY=5", "FLOWGATE_LISTEN_MAX_HEADER_BYTES=", "FLOWGATE_PORT=80")
	require.Equal(t, []string{
		"8: line 18: the key must be a string",
		"FLOWGATE_LIMIT_MAX_WAIT: unknown environment variable",
		"FLOWGATE_PORT: unknown environment variable",
		"auth.apiKeys.file: must be a string",
		"limits.MaxWait: unknown field",
		"limits.maxBodyBytes: must be a whole number",
		"limits.maxWait: must be a duration with a unit, such as 500ms, 30s or 1h30m",
		"limits.maxWait: duplicate key, first in line 3",
		"listen: must be a mapping",
		"listen.drainDelay: must be a duration with a unit, such as 500ms, 30s or 1h30m (in FLOWGATE_LISTEN_DRAIN_DELAY)",
		"listen.maxHeaderBytes: must be a whole number (in FLOWGATE_LISTEN_MAX_HEADER_BYTES)",
		"namespaces.a.b.rejectCondition: unknown field",
		"namespaces.c: must be a mapping",
		"tracing: unknown field",
		"upstream.address: must be a string: put quotes around it",
		"upstream.callerMetadata: must be a list",
		"upstream.metadata.x-a: must be a string: put quotes around it",
		"upstream.retry.multiplier: must be a number",
		"upstream.tls.caFiles: unknown field",
		"upstream.tls.enabled: must be true or false",
	}, got)
}

func TestSectionThatIsNotMappingIsReportedDespiteEnvironment(t *testing.T) {
	t.Parallel()
	got := problemsOf(t, "limits: 5\nauth: {insecureAnonymous: true}", "FLOWGATE_LIMITS_MAX_WAIT=10s")
	require.Equal(t, []string{"limits: must be a mapping"}, got)
}

// An invalid value in the file is reported even if the environment overrides it. An unknown field is reported even if it
// has no value.
func TestProblemInFileIsReportedDespiteEnvironment(t *testing.T) {
	t.Parallel()
	got := problemsOf(t, "limits: {maxWait: soon, maxWaits: }\nauth: {insecureAnonymous: true}", "FLOWGATE_LIMITS_MAX_WAIT=10s")
	require.Equal(t, []string{
		"limits.maxWait: must be a duration with a unit, such as 500ms, 30s or 1h30m",
		"limits.maxWaits: unknown field",
	}, got)
}

func TestAnchorsAndAliases(t *testing.T) {
	t.Parallel()
	cfg, err := load(t, "auth: {insecureAnonymous: true}\nnamespaces: {a: &a {metadata: {x-team: b}}, c: *a}")
	require.NoError(t, err)
	require.Equal(t, config.Metadata{"x-team": "b"}, cfg.Namespaces["c"].Metadata)
	require.Contains(t, problemsOf(t, "namespaces: &a {a: *a}"), "namespaces.a.a: unknown field")
}

func TestInvalidFiles(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ yaml, want string }{
		"syntax":    {"a: [", "flowgate.yaml: line 1: did not find expected node content"},
		"list":      {"[1]", "flowgate.yaml: must be a mapping"},
		"documents": {"auth: {insecureAnonymous: true}\n---\na: b", "flowgate.yaml: contains more than one document"},
		"empty":     {"", "auth: no authentication configured: set auth.apiKeys.file, auth.jwt or auth.certificates, or auth.insecureAnonymous to serve all callers"},
		"null":      {"~", "auth: no authentication configured: set auth.apiKeys.file, auth.jwt or auth.certificates, or auth.insecureAnonymous to serve all callers"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, problemsOf(t, tc.yaml), tc.want)
		})
	}

	absent := filepath.Join(t.TempDir(), "absent.yaml")
	_, err := config.Load(config.LoadOptions{File: absent})
	require.Equal(t, absent+" cannot be read: no such file or directory", lines(t, err)[0])
}

func TestUnknownFlags(t *testing.T) {
	t.Parallel()
	_, err := config.Load(config.LoadOptions{Overrides: map[string]string{
		"limits.wait": "1s", "limits.maxWait": "x", "auth.insecureAnonymous": "true", "upstream.metadata": "a",
	}})
	require.Equal(t, []string{
		"limits.maxWait: must be a duration with a unit, such as 500ms, 30s or 1h30m (in a flag)",
		"limits.wait: unknown field (in a flag)",
		"upstream.metadata: unknown field (in a flag)",
	}, lines(t, err))
}
