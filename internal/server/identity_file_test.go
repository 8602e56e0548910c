package server_test

import (
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
)

// authFile is the file auth.file of a gateway.
type authFile string

// newAuthFile returns a file with the content, in a folder of its own.
func newAuthFile(t *testing.T, content string) authFile {
	t.Helper()
	f := authFile(filepath.Join(t.TempDir(), "auth.yaml"))
	require.NoError(t, os.WriteFile(string(f), []byte(content), 0o600))
	return f
}

func (f authFile) configure(cfg *config.Config) { cfg.Auth.File = string(f) }

// replace replaces the content, and waits until the gateway has read it. It renames a file, because the gateway may read
// a file that is being written, and would reject it.
func (f authFile) replace(t *testing.T, content string) {
	t.Helper()
	next := string(f) + ".new"
	require.NoError(t, os.WriteFile(next, []byte(content), 0o600))
	require.NoError(t, os.Rename(next, string(f)))
	time.Sleep(2 * time.Second)
	synctest.Wait()
}

// trusting returns the content of a file that trusts an issuer on each host for the audience.
func trusting(audience string, hosts ...string) string {
	var text strings.Builder
	text.WriteString("jwt:\n")
	for _, host := range hosts {
		url := "https://" + host
		text.WriteString(`  - {issuer: "` + url + `", audience: [` + audience + `], jwksURL: "` + url + "/jwks\"}\n")
	}
	return text.String()
}

const secondIssuer = "second.example"

// startWithFile starts a gateway with the issuer idp.example in a file.
func startWithFile(t *testing.T) (*servertest.Gateway, *servertest.Issuer, authFile) {
	t.Helper()
	issuer, file := servertest.NewIssuer(), newAuthFile(t, trusting("flowgate", "idp.example"))
	g := servertest.Start(t, servertest.Options{Configure: file.configure, KeyTransport: issuer})
	synctest.Wait()
	serveLists(g)
	return g, issuer, file
}

func statusWith(t *testing.T, g *servertest.Gateway, token string) int {
	t.Helper()
	return g.Do(t, http.MethodGet, servertest.WorkflowsPath, "", servertest.Bearer(token)...).Status
}

func TestIssuersInAFileAreReloaded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, issuer, file := startWithFile(t)
		first := servertest.NewJWT()
		second := servertest.NewJWT(servertest.WithClaim("iss", "https://"+secondIssuer))
		other := servertest.NewJWT(servertest.WithClaim("aud", "other"))
		require.Equal(t, http.StatusOK, statusWith(t, g, first))
		require.Equal(t, http.StatusUnauthorized, statusWith(t, g, second))

		file.replace(t, trusting("other", "idp.example"))
		require.Equal(t, http.StatusUnauthorized, statusWith(t, g, first), "a cached token has the audience of the last version")
		require.Equal(t, http.StatusOK, statusWith(t, g, other))
		require.Equal(t, 1, issuer.Fetches(), "an issuer whose audience changes keeps its keys")

		file.replace(t, trusting("flowgate", "idp.example", secondIssuer))
		require.Equal(t, http.StatusOK, statusWith(t, g, first))
		require.Equal(t, http.StatusOK, statusWith(t, g, second))
		require.Equal(t, http.StatusUnauthorized, statusWith(t, g, other))
		require.Equal(t, []string{"https://idp.example/jwks", "https://" + secondIssuer + "/jwks"}, issuer.Addresses())

		file.replace(t, trusting("flowgate", secondIssuer))
		require.Equal(t, http.StatusUnauthorized, statusWith(t, g, first), "a cached token of a removed issuer")
		require.Equal(t, http.StatusOK, statusWith(t, g, second))
		before := len(issuer.Addresses())
		time.Sleep(time.Hour)
		fetched := issuer.Addresses()[before:]
		require.NotEmpty(t, fetched)
		require.NotContains(t, fetched, "https://idp.example/jwks", "the fetches of a removed issuer end")

		file.replace(t, "jwt: []")
		require.Equal(t, http.StatusUnauthorized, statusWith(t, g, second))
		require.Equal(t, http.StatusOK, statusWith(t, g, servertest.WriterKey))
		requireSample(t, g, `flowgate_auth_file_reloads_total{outcome="success"}`, 4)
		requireSample(t, g, `flowgate_auth_file_reloads_total{outcome="failure"}`, 0)
	})
}

func TestAnInvalidFileOfIssuersLeavesTheLastVersionInForce(t *testing.T) {
	t.Parallel()
	const rejected = "file rejected, its last good version stays in force"
	for name, content := range map[string]string{
		"empty":                  "",
		"not YAML":               "jwt: [",
		"an unknown field":       trusting("flowgate", "idp.example") + "tokens: []\n",
		"a setting is invalid":   trusting("''", "idp.example"),
		"certificates, no CA":    "certificates: [{name: a, dns: a.example}]",
		"a credential is absent": `jwt: [{issuer: "https://idp.example", audience: [flowgate], discovery: true, credential: mint}]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g, issuer, file := startWithFile(t)
				token, inForce := servertest.NewJWT(), `flowgate_file_in_force{file="auth"}`
				requireSample(t, g, inForce, 1)
				for range 2 {
					file.replace(t, content)
					require.Equal(t, http.StatusOK, statusWith(t, g, token))
					requireSample(t, g, inForce, 0)
				}
				requireSample(t, g, `flowgate_auth_file_reloads_total{outcome="failure"}`, 1)
				require.Equal(t, 1, strings.Count(g.Log.String(), rejected), g.Log.String())
				require.Equal(t, 1, issuer.Fetches())

				file.replace(t, trusting("flowgate", "idp.example", secondIssuer))
				requireSample(t, g, inForce, 1)
				require.Equal(t, http.StatusOK, statusWith(t, g, servertest.NewJWT(servertest.WithClaim("iss", "https://"+secondIssuer))))
			})
		})
	}
}

// Otherwise one file with an issuer that is down would take all replicas out of service.
func TestAnAddedIssuerWithoutKeysLeavesTheGatewayReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, issuer, file := startWithFile(t)
		require.Equal(t, http.StatusOK, g.ReadyzStatus(t))
		issuer.RespondWith(func() (*http.Response, error) {
			return servertest.HTTPResponse(http.StatusNotFound, "text/plain", ""), nil
		})
		file.replace(t, trusting("flowgate", "idp.example", secondIssuer))
		second := servertest.NewJWT(servertest.WithClaim("iss", "https://"+secondIssuer))
		require.Equal(t, http.StatusServiceUnavailable, statusWith(t, g, second))
		require.Equal(t, http.StatusOK, statusWith(t, g, servertest.NewJWT()))
		require.Equal(t, http.StatusOK, g.ReadyzStatus(t))
		issuer.RespondWith(nil)
		time.Sleep(time.Minute)
		require.Equal(t, http.StatusOK, statusWith(t, g, second))
	})
}

// The grants of an open connection change too.
func TestCertificatesInAFileAreReloaded(t *testing.T) {
	t.Parallel()
	entry := func(grant string) string {
		return `certificates: [{name: worker, uri: "` + workerID + `", grants: [{namespace: default, ` + grant + `}]}]`
	}
	synctest.Test(t, func(t *testing.T) {
		file := newAuthFile(t, entry("role: write"))
		s := startTLS(t, func(cfg *config.Config) { cfg.Auth.Certificates, cfg.Auth.File = nil, string(file) })
		client := s.clientWith(t, onlyHTTP1, s.clients.issue(t, x509.Certificate{URIs: uris(t, workerID)}))
		requireStatus := func(want int) {
			t.Helper()
			got, _, err := s.list(t, client)
			require.NoError(t, err)
			require.Equal(t, want, got.Status, got.Body)
		}
		requireStatus(http.StatusOK)
		file.replace(t, entry("operations: [signal]"))
		requireStatus(http.StatusForbidden)
		file.replace(t, entry("operations: [nonsense]"))
		requireStatus(http.StatusForbidden)
		require.Contains(t, s.Log.String(), "certificates[0].grants[0].operations[0]: ")
		file.replace(t, entry("role: read"))
		requireStatus(http.StatusOK)
		file.replace(t, "certificates: []")
		requireStatus(http.StatusUnauthorized)
	})
}
