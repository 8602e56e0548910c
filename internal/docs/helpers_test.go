package docs_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/docs"
)

// gatewayDocuments returns the documents of the gateway itself, of which there is one.
func gatewayDocuments() []docs.Document {
	return []docs.Document{{Title: "Flowgate", Path: "/v1/openapi.json"}}
}

// newSite returns a handler that serves the pages.
func newSite(t testing.TB, options docs.Options) http.Handler {
	t.Helper()
	pages, err := docs.New(options)
	require.NoError(t, err)
	router := chi.NewRouter()
	pages.Mount(router)
	return router
}

// writeFolder creates a folder with files and returns its path. files alternates names and
// texts.
func writeFolder(t testing.TB, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		require.NoError(t, os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o600))
	}
	return dir
}

// get sends a GET request. headers alternates names and values.
func get(t testing.TB, handler http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, request)
	return w
}
