package config_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
)

func printed(t *testing.T, cfg *config.Config, options config.PrintOptions) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, cfg.Print(&out, options))
	return out.String()
}

// A printed configuration is valid and means the same: it is equal when it is loaded and printed again, and each setting
// has the same value.
func TestPrintedConfigurationMeansTheSame(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "keys.yaml", "keys: []")
	write(t, dir, "token", "secret")
	for name, text := range map[string]string{
		"anonymous": "auth: {insecureAnonymous: true}",
		"large": `
listen: {public: ":9090", hosts: [a.example, "true"], trustedProxies: [10.0.0.0/8], drainDelay: 90m}
upstream:
  address: "temporal.example:7233"
  metadata: {x-team: "a: b # c", x-key-bin: AAE=}
  callerMetadata: [x-tenant]
  tls: {enabled: true, serverName: "1.0"}
  retry: {multiplier: 2}
  credential: {mode: static, file: token, mint: {issuer: ""}}
namespaces:
  orders.a1b2c: {queryRejectCondition: NOT_OPEN, upstream: {address: "orders.example:7233", name: orders, tls: {enabled: true}}, credential: {mode: none}}
  "null": {metadata: {x-team: orders}}
auth:
  apiKeys: {file: keys.yaml}
  jwt:
    - {issuer: "https://idp.example", audience: [flowgate], discovery: true, claims: {template: "{role}", namespace: orders}}
    - {issuer: "https://other.example", name: other, audience: [a, b], jwksURL: "https://other.example/jwks", leeway: 1s, credential: passthrough}
  failureLimit: {perSecond: 0.25}
limits: {inFlight: {callerShare: 1}}
docs: {enabled: false}
`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := config.LoadOptions{
				File:      write(t, dir, name+".yaml", text),
				Environ:   []string{"FLOWGATE_LOG_LEVEL=warn", "FLOWGATE_LIMITS_MAX_WAIT=30s"},
				Overrides: map[string]string{"log.format": "text"},
			}
			cfg, err := config.Load(options)
			require.NoError(t, err)
			first := printed(t, cfg, config.PrintOptions{Metadata: true})
			again, err := config.Load(config.LoadOptions{File: write(t, t.TempDir(), "printed.yaml", first)})
			require.NoError(t, err, first)
			require.Equal(t, first, printed(t, again, config.PrintOptions{Metadata: true}))
			require.Equal(t, cfg.Auth.JWT, again.Auth.JWT)
			require.Equal(t, cfg.Namespaces, again.Namespaces)
			require.Equal(t, cfg.Upstream, again.Upstream)
			require.Equal(t, cfg.Limits, again.Limits)
			require.Equal(t, cfg.Log, again.Log)
			require.Equal(t, cfg.Docs, again.Docs)
			require.Equal(t, cfg.Auth.FailureLimit, again.Auth.FailureLimit)
		})
	}
}

func TestPrintedConfigurationHasNoSecretAndHasSources(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	token := write(t, dir, "token", "MARKER")
	options := config.LoadOptions{
		File: write(t, dir, "flowgate.yaml", `
upstream: {retry: {multiplier: 2}, metadata: {x-token: MARKER, x-token-bin: MARKER00}, credential: {mode: static, file: token}}
namespaces: {orders: {metadata: {x-token: MARKER}}}
auth: {insecureAnonymous: true}
limits: {maxWait: 20s}
`),
		Environ: []string{"FLOWGATE_LIMITS_MAX_WAIT=30s"}, Overrides: map[string]string{"log.format": "text"},
	}
	cfg, sources, err := config.LoadWithSources(options)
	require.NoError(t, err)
	text := printed(t, cfg, config.PrintOptions{Sources: sources})
	require.NotContains(t, text, "MARKER")
	for _, line := range []string{
		"file: " + token + " # file", "maxWait: 30s # FLOWGATE_LIMITS_MAX_WAIT", "format: text # flag", "requestBudget: 58s\n", "x-token: HIDDEN00",
		"multiplier: 2 # file\n", "# file\nnamespaces:\n",
	} {
		require.Contains(t, text, line)
	}
	_, err = config.Load(config.LoadOptions{File: write(t, dir, "printed.yaml", text)})
	require.NoError(t, err, "the text with hidden values is valid too")
	require.Equal(t, 3, strings.Count(text, "HIDDEN00"))
	require.True(t, filepath.IsAbs(cfg.Upstream.Credential.File))
}
