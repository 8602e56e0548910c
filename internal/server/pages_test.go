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

func TestPagesRequireNoCredential(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		for _, path := range []string{"/docs", "/docs/", "/docs/problems", "/docs/documents.json"} {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				resp := g.Do(t, method, path, "", "Authorization", "Bearer "+servertest.ExpiredKey)
				require.Equal(t, http.StatusOK, resp.Status, path)
				require.Contains(t, resp.Header.Get("Content-Security-Policy"), "script-src 'self'", path)
				require.NotEmpty(t, resp.Header.Get("X-Request-Id"), path)
				require.Equal(t, method == http.MethodHead, resp.Body == "", path)
			}
			resp := g.Do(t, http.MethodPost, path, "{}")
			require.Equal(t, http.StatusMethodNotAllowed, resp.Status, path)
			require.Equal(t, "GET, HEAD", resp.Header.Get("Allow"), path)
			require.Equal(t, "method-not-allowed", resp.Field(t, "code"), path)
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
			resp := g.Do(t, method, "/", "", "Authorization", "Bearer "+servertest.ExpiredKey)
			require.Equal(t, http.StatusFound, resp.Status)
			require.Equal(t, "/docs", resp.Header.Get("Location"))
		}
		require.Equal(t, http.StatusMethodNotAllowed, g.Do(t, http.MethodPost, "/", "{}").Status)
		g.Client.CheckRedirect = follow
		resp := g.Do(t, http.MethodGet, "/", "")
		require.Equal(t, http.StatusOK, resp.Status)
		require.Contains(t, resp.Header.Get("Content-Type"), "text/html")
	})
}

func TestPagesCanBeDisabled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) { cfg.Docs.Enabled = false }})
		for _, path := range []string{"/", "/docs", "/docs/problems", "/docs/documents.json"} {
			require.Equal(t, "route-not-found", g.Do(t, http.MethodGet, path, "").Field(t, "code"), path)
		}
	})
}

func TestCheckReportsAnInvalidDocument(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	cfg.Auth.APIKeys.File = servertest.WriteKeys(t)
	cfg.Docs.Folder = t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(cfg.Docs.Folder, "orders.yaml"), []byte("a: b"), 0o600))
	_, err := server.Check(&cfg)
	require.ErrorContains(t, err, "docs.folder: ")
	require.ErrorContains(t, err, "orders.yaml: is not an OpenAPI document")
}
