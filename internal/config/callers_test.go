package config_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
)

func TestIssuersInAFileHaveTheDefaultsAndPathsOfThatFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "key.pem", "a")
	file := write(t, dir, "auth.yaml", "jwt: [{issuer: 'https://idp.example', audience: [flowgate], publicKeyFile: key.pem}]")
	cfg, err := load(t, "auth: {file: '"+file+"'}")
	require.NoError(t, err)
	require.Empty(t, cfg.Auth.JWT)
	require.Contains(t, printed(t, cfg, config.PrintOptions{}), "file: "+file+"\n")
	inline, err := load(t, "auth: {jwt: [{issuer: 'https://idp.example', audience: [flowgate], publicKeyFile: '"+filepath.Join(dir, "key.pem")+"'}]}")
	require.NoError(t, err)
	callers, err := cfg.ParseCallers([]byte("jwt: [{issuer: 'https://idp.example', audience: [flowgate], publicKeyFile: key.pem}]"))
	require.NoError(t, err)
	require.Equal(t, inline.Callers(), *callers)
}

func TestProblemsInAFileOfIssuersHaveItsNameAndPaths(t *testing.T) {
	t.Parallel()
	for content, want := range map[string][]string{
		"":                                 {"is empty"},
		"~":                                {"is empty"},
		"keys: []":                         {"keys: unknown field"},
		"jwt: [" + passthroughIssuer + "]": {"jwt[0].credential: " + plaintextUpstreamProblem},
		"{jwt: [{}], certificates: [{name: a, dns: a}]}": {
			"jwt[0].issuer: is missing", "jwt[0].audience: must contain at least one value, and no empty value",
			"certificates: requires listen.tls.clientCAFile",
		},
	} {
		file := write(t, t.TempDir(), "auth.yaml", content)
		problems := problemsOf(t, "{upstream: {address: 'b:1'}, auth: {file: '"+file+"'}}")
		for _, problem := range want {
			require.Contains(t, problems, "auth.file: "+file+": "+problem, content)
		}
	}
	file := write(t, t.TempDir(), "auth.yaml", "jwt: []")
	require.Contains(t, problemsOf(t, "auth: {file: absent.yaml}"), "auth.file: absent.yaml cannot be read: no such file or directory")
	require.Contains(t, problemsOf(t, "auth: {file: '"+file+"', insecureAnonymous: true}"), "auth.insecureAnonymous: cannot be combined with auth.file")
	require.Contains(t, problemsOf(t, "auth: {file: '"+file+"', jwt: ["+issuerWith()+"]}"), "auth.file: cannot be combined with auth.jwt or auth.certificates")
}
