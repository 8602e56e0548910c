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
)

func TestPagesNeedNoCredential(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{})
		for _, path := range []string{"/docs", "/docs/", "/docs/problems", "/docs/documents.json"} {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				a := g.do(t, method, path, "", "Authorization", "Bearer "+expiredKey)
				require.Equal(t, http.StatusOK, a.status, path)
				require.Contains(t, a.header.Get("Content-Security-Policy"), "script-src 'self'", path)
				require.NotEmpty(t, a.header.Get("X-Request-Id"), path)
				require.Equal(t, method == http.MethodHead, a.body == "", path)
			}
			a := g.do(t, http.MethodPost, path, "{}")
			require.Equal(t, http.StatusMethodNotAllowed, a.status, path)
			require.Equal(t, "GET, HEAD", a.header.Get("Allow"), path)
			require.Equal(t, "method-not-allowed", a.field(t, "code"), path)
		}
		for _, path := range []string{"/docs/none", "/docs/documents/none.yaml", "/docs/problems/"} {
			require.Equal(t, "route-not-found", g.do(t, http.MethodGet, path, "").field(t, "code"), path)
		}
	})
}

func TestPagesCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := start(t, startOptions{configure: func(cfg *config.Config) { cfg.Docs.Enabled = false }})
		for _, path := range []string{"/docs", "/docs/problems", "/docs/documents.json"} {
			require.Equal(t, "route-not-found", g.do(t, http.MethodGet, path, "").field(t, "code"), path)
		}
	})
}

func TestADocumentThatIsNoneIsFoundByCheck(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	cfg.Auth.APIKeys.File = writeKeys(t)
	cfg.Docs.Folder = t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(cfg.Docs.Folder, "orders.yaml"), []byte("a: b"), 0o600))
	err := server.Check(&cfg)
	require.ErrorContains(t, err, "docs.folder: ")
	require.ErrorContains(t, err, "orders.yaml: is no OpenAPI document")
}
