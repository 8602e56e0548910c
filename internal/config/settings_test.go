package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
)

func TestSettingsListEveryScalar(t *testing.T) {
	t.Parallel()
	byPath := make(map[string]config.Setting)
	byEnv := make(map[string]string)
	for _, setting := range config.Settings() {
		require.NotEmpty(t, setting.Doc, setting.Path)
		require.NotContains(t, byEnv, setting.Env)
		byPath[setting.Path], byEnv[setting.Env] = setting, setting.Path
	}
	for path, want := range map[string][2]string{
		"limits.maxWait":                               {"FLOWGATE_LIMITS_MAX_WAIT", "55s"},
		"limits.timeouts.max":                          {"FLOWGATE_LIMITS_TIMEOUTS_MAX", "5m"},
		"limits.maxBodyBytes":                          {"FLOWGATE_LIMITS_MAX_BODY_BYTES", "4194304"},
		"auth.apiKeys.file":                            {"FLOWGATE_AUTH_API_KEYS_FILE", ""},
		"auth.apiKeys.reloadInterval":                  {"FLOWGATE_AUTH_API_KEYS_RELOAD_INTERVAL", "500ms"},
		"upstream.tls.caFile":                          {"FLOWGATE_UPSTREAM_TLS_CA_FILE", ""},
		"upstream.retry.multiplier":                    {"FLOWGATE_UPSTREAM_RETRY_MULTIPLIER", "1.7"},
		"upstream.credential.allowPlaintextCredential": {"FLOWGATE_UPSTREAM_CREDENTIAL_ALLOW_PLAINTEXT_CREDENTIAL", "false"},
		"tokens.keyFiles":                              {"FLOWGATE_TOKENS_KEY_FILES", ""},
		"log.level":                                    {"FLOWGATE_LOG_LEVEL", "info"},
	} {
		require.Equal(t, want, [2]string{byPath[path].Env, byPath[path].Default}, path)
	}
	require.NotContains(t, byPath, "namespaces")
	require.NotContains(t, byPath, "upstream.metadata")
}

// Setting every variable to the default of its setting must change nothing.
func TestEverySettingIsReadFromTheEnvironment(t *testing.T) {
	t.Parallel()
	environ := []string{"FLOWGATE_AUTH_INSECURE_ANONYMOUS=true"}
	for _, setting := range config.Settings() {
		if setting.Path != "auth.insecureAnonymous" {
			environ = append(environ, setting.Env+"="+setting.Default)
		}
	}
	cfg, err := config.Load(config.LoadOptions{Environ: environ})
	require.NoError(t, err)
	want := config.Default()
	want.Auth.InsecureAnonymous = true
	want.Tokens.KeyFiles, want.Upstream.CallerMetadata, want.Listen.Hosts = []string{}, []string{}, []string{}
	want.Upstream.Credential.Mint.Audience = []string{}
	want.Listen.AdminHosts = []string{}
	want.Listen.TrustedProxies, want.CORS.Origins = []string{}, []string{}
	require.Equal(t, &want, cfg)

	for i, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		environ[i] = name + "=\x00"
	}
	_, err = config.Load(config.LoadOptions{Environ: environ})
	require.NotEmpty(t, lines(t, err))
}
