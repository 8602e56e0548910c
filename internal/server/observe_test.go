package server_test

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
)

// sample returns the value of a series, named with its labels as /metrics has it, and whether the series exists.
func sample(t *testing.T, g *servertest.Gateway, series string) (float64, bool) {
	t.Helper()
	match := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(series) + ` (\S+)$`).FindStringSubmatch(g.AdminText(t, "/metrics"))
	if match == nil {
		return 0, false
	}
	value, err := strconv.ParseFloat(match[1], 64)
	require.NoError(t, err)
	return value, true
}

func requireSample(t *testing.T, g *servertest.Gateway, series string, want float64) {
	t.Helper()
	value, ok := sample(t, g, series)
	require.True(t, ok, series)
	require.InDelta(t, want, value, 0, series)
}

// jwtExpiring returns a token with the form of a JWT that expires at the given time.
func jwtExpiring(at time.Time) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"ES256"}`)) + "." + encode(fmt.Appendf(nil, `{"exp":%d}`, at.Unix())) + ".c2ln"
}

// files are the paths of all files of a configuration that are reloaded.
type files struct{ keys, signing, issuer, certificate, clientCA, clientCertificate, upstreamCA, token string }

// write writes the files, and returns the configuration that uses them.
func (f *files) write(t *testing.T) func(*config.Config) {
	t.Helper()
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, content, 0o600))
		return path
	}
	servers, clients := newAuthority(t), newAuthority(t)
	listener := servers.issue(t, x509.Certificate{DNSNames: []string{"gateway"}, NotAfter: time.Now().Add(48 * time.Hour)})
	upstream := clients.issue(t, x509.Certificate{NotAfter: time.Now().Add(72 * time.Hour)})
	issuerKey := servertest.NewECKey()
	f.signing = file("signing.pem", privatePEM(servertest.NewECKey()))
	f.issuer = file("issuer.crt", newAuthority(t).sign(t, &x509.Certificate{}, issuerKey).Raw)
	require.NoError(t, os.WriteFile(f.issuer, certPEM(servertest.Must(os.ReadFile(f.issuer))), 0o600))
	f.certificate = file("tls.crt", certPEM(listener.Certificate[0]))
	f.clientCA = file("ca.crt", clients.pem())
	f.clientCertificate, f.upstreamCA = file("client.crt", certPEM(upstream.Certificate[0])), file("upstream-ca.crt", servers.pem())
	f.token = file("token", []byte(jwtExpiring(time.Now().Add(96*time.Hour))))
	return func(cfg *config.Config) {
		f.keys = cfg.Auth.APIKeys.File
		cfg.Listen.TLS = config.ListenTLS{
			CertFile: f.certificate, KeyFile: file("tls.key", privatePEM(listener.PrivateKey)), ClientCAFile: f.clientCA,
		}
		cfg.Auth.JWT = []config.Issuer{{
			Name: "idp", Issuer: "https://idp.example", Audience: []string{"flowgate"}, Algorithms: []string{"ES256"}, PublicKeyFile: f.issuer,
		}}
		cfg.Upstream.Credential.Mode, cfg.Upstream.Credential.Mint.KeyFile = config.CredentialMint, f.signing
		cfg.Upstream.TLS = config.TLS{
			Enabled: true, CAFile: f.upstreamCA, CertFile: f.clientCertificate, KeyFile: file("client.key", privatePEM(upstream.PrivateKey)),
		}
		cfg.Namespaces = map[string]config.Namespace{
			"orders": {Credential: config.NamespaceCredential{Mode: config.CredentialStatic, File: f.token}},
		}
	}
}

func TestGaugesReportWhetherReloadedFilesAreInForce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var f files
		g := servertest.Start(t, servertest.Options{Configure: f.write(t)})
		synctest.Wait()
		for kind, path := range map[string]string{
			"keys": f.keys, "signing_keys": f.signing, "issuer_keys": f.issuer, "listener_certificate": f.certificate,
			"listener_client_ca": f.clientCA, "upstream_certificate": f.clientCertificate, "upstream_ca": f.upstreamCA,
			"upstream_credential": f.token,
		} {
			series := `flowgate_file_in_force{file="` + kind + `"}`
			requireSample(t, g, series, 1)
			content := servertest.Must(os.ReadFile(path))
			require.NoError(t, os.WriteFile(path, []byte("two\nlines\n"), 0o600))
			awaitReload()
			requireSample(t, g, series, 0)
			require.NoError(t, os.WriteFile(path, content, 0o600))
			awaitReload()
			requireSample(t, g, series, 1)
			require.NoError(t, os.Remove(path))
			awaitReload()
			requireSample(t, g, series, 0)
			require.NoError(t, os.WriteFile(path, content, 0o600))
			awaitReload()
			requireSample(t, g, series, 1)
		}

		// The token file that the keys file names counts with those of the configuration.
		token := filepath.Join(filepath.Dir(f.keys), "token")
		require.NoError(t, os.Remove(token))
		awaitReload()
		requireSample(t, g, `flowgate_file_in_force{file="upstream_credential"}`, 0)
	})
}

// awaitReload waits until every file has been checked for changes.
func awaitReload() {
	time.Sleep(6 * time.Second)
	synctest.Wait()
}

func TestGaugesReportWhenCertificatesKeysAndTokensExpire(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var f files
		begin := time.Now()
		g := servertest.Start(t, servertest.Options{Configure: f.write(t)})
		synctest.Wait()
		hours := func(n int) float64 { return float64(begin.Add(time.Duration(n) * time.Hour).Unix()) }
		requireSample(t, g, `flowgate_certificate_expiry_timestamp_seconds{certificate="listener"}`, hours(48))
		requireSample(t, g, `flowgate_certificate_expiry_timestamp_seconds{certificate="upstream"}`, hours(72))
		requireSample(t, g, "flowgate_upstream_credential_expiry_timestamp_seconds", hours(96))
		_, exists := sample(t, g, "flowgate_keys_next_expiry_timestamp_seconds")
		require.False(t, exists, "the only secret with an expiry has expired")

		// The token of a key expires before the token of the namespace.
		token := filepath.Join(filepath.Dir(f.keys), "token")
		require.NoError(t, os.WriteFile(token, []byte(jwtExpiring(begin.Add(time.Hour))), 0o600))
		keys := string(servertest.Must(os.ReadFile(f.keys)))
		keys = strings.Replace(keys, "notAfter: 1999-01-01T00:00:00Z", "notAfter: "+begin.Add(time.Minute).UTC().Format(time.RFC3339), 1)
		keys = strings.Replace(keys, "disabled: true, secrets: [{", "disabled: true, secrets: [{notAfter: "+
			begin.Add(30*time.Second).UTC().Format(time.RFC3339)+", ", 1)
		require.NoError(t, os.WriteFile(f.keys, []byte(keys), 0o600))
		awaitReload()
		requireSample(t, g, "flowgate_upstream_credential_expiry_timestamp_seconds", hours(1))
		requireSample(t, g, "flowgate_keys_next_expiry_timestamp_seconds", float64(begin.Add(time.Minute).Unix()))
		time.Sleep(time.Minute)
		_, exists = sample(t, g, "flowgate_keys_next_expiry_timestamp_seconds")
		require.False(t, exists, "the secret has expired")
		requireSample(t, g, "flowgate_upstream_credential_expiry_timestamp_seconds", hours(1))
	})
}

func TestCountersOfKnownLabelsBeginAtZero(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var f files
		g := servertest.Start(t, servertest.Options{Configure: f.write(t)})
		synctest.Wait()
		requireSample(t, g, `flowgate_keys_reloads_total{outcome="success"}`, 1)
		for _, series := range []string{
			`flowgate_keys_reloads_total{outcome="failure"}`,
			`flowgate_signing_keys_reloads_total{outcome="success"}`, `flowgate_signing_keys_reloads_total{outcome="failure"}`,
			`flowgate_jwks_fetches_total{issuer="idp",outcome="success"}`, `flowgate_jwks_fetches_total{issuer="idp",outcome="failure"}`,
			`flowgate_jwks_unknown_kids_total{issuer="idp"}`,
			`flowgate_auth_failures_total{reason="unauthenticated"}`, `flowgate_auth_failures_total{reason="invalid-credential"}`,
			`flowgate_auth_failures_total{reason="invalid-token"}`, `flowgate_auth_failures_total{reason="ambiguous-credentials"}`,
			`flowgate_auth_failures_total{reason="jwks-unavailable"}`,
			`flowgate_upstream_retries_total{rpc_method="StartWorkflowExecution"}`,
			`flowgate_upstream_retries_throttled_total{rpc_method="StartWorkflowExecution"}`,
		} {
			requireSample(t, g, series, 0)
		}
		_, exists := sample(t, g, `flowgate_upstream_retries_total{rpc_method="TerminateWorkflowExecution"}`)
		require.False(t, exists, "the call is never retried")

		require.NoError(t, os.WriteFile(f.keys, []byte("keys: ["), 0o600))
		awaitReload()
		requireSample(t, g, `flowgate_keys_reloads_total{outcome="failure"}`, 1)
	})
}
