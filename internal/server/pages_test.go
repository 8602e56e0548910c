package server_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server"
	"github.com/flowgate/flowgate/internal/server/servertest"
)

func TestPagesNeedNoCredential(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		for _, path := range []string{"/docs", "/docs/", "/docs/problems", "/docs/documents.json"} {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				a := g.Do(t, method, path, "", "Authorization", "Bearer "+servertest.ExpiredKey)
				require.Equal(t, http.StatusOK, a.Status, path)
				require.Contains(t, a.Header.Get("Content-Security-Policy"), "script-src 'self'", path)
				require.NotEmpty(t, a.Header.Get("X-Request-Id"), path)
				require.Equal(t, method == http.MethodHead, a.Body == "", path)
			}
			a := g.Do(t, http.MethodPost, path, "{}")
			require.Equal(t, http.StatusMethodNotAllowed, a.Status, path)
			require.Equal(t, "GET, HEAD", a.Header.Get("Allow"), path)
			require.Equal(t, "method-not-allowed", a.Field(t, "code"), path)
		}
		for _, path := range []string{"/docs/none", "/docs/documents/none.yaml", "/docs/problems/"} {
			require.Equal(t, "route-not-found", g.Do(t, http.MethodGet, path, "").Field(t, "code"), path)
		}
	})
}

func TestRootRedirectsToTheDocs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		follow := g.Client.CheckRedirect
		g.Client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			a := g.Do(t, method, "/", "", "Authorization", "Bearer "+servertest.ExpiredKey)
			require.Equal(t, http.StatusFound, a.Status)
			require.Equal(t, "/docs", a.Header.Get("Location"))
		}
		require.Equal(t, http.StatusMethodNotAllowed, g.Do(t, http.MethodPost, "/", "{}").Status)
		g.Client.CheckRedirect = follow
		a := g.Do(t, http.MethodGet, "/", "")
		require.Equal(t, http.StatusOK, a.Status)
		require.Contains(t, a.Header.Get("Content-Type"), "text/html")
	})
}

func TestPagesCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) { cfg.Docs.Enabled = false }})
		for _, path := range []string{"/", "/docs", "/docs/problems", "/docs/documents.json"} {
			require.Equal(t, "route-not-found", g.Do(t, http.MethodGet, path, "").Field(t, "code"), path)
		}
	})
}

func TestADocumentThatIsNoneIsFoundByCheck(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	cfg.Auth.APIKeys.File = servertest.WriteKeys(t)
	cfg.Docs.Folder = t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(cfg.Docs.Folder, "orders.yaml"), []byte("a: b"), 0o600))
	err := server.Check(&cfg)
	require.ErrorContains(t, err, "docs.folder: ")
	require.ErrorContains(t, err, "orders.yaml: is not an OpenAPI document")
}
