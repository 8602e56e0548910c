package temporalhttp_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/api/temporal"
	"github.com/flowgate/flowgate/internal/temporalhttp"
)

// getDocument requests a document. headers alternates names and values.
func getDocument(t *testing.T, method, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	router := chi.NewRouter()
	temporalhttp.MountDocuments(router)
	request := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	router.ServeHTTP(w, request)
	return w
}

func servedDocuments() map[string]temporal.Document {
	return map[string]temporal.Document{"/openapi.yaml": temporal.OpenAPI(), "/swagger.json": temporal.Swagger()}
}

func TestDocumentsNeedNoCredential(t *testing.T) {
	t.Parallel()
	for path, document := range servedDocuments() {
		w := getDocument(t, http.MethodGet, path)
		require.Equal(t, http.StatusOK, w.Code, path)
		require.Equal(t, document.ContentType, w.Header().Get("Content-Type"), path)
		require.Equal(t, "no-cache", w.Header().Get("Cache-Control"), path)
		require.Equal(t, document.Text, w.Body.String(), path)

		head := getDocument(t, http.MethodHead, path)
		require.Equal(t, http.StatusOK, head.Code, path)
		require.Empty(t, head.Body.String(), path)
		require.Equal(t, strconv.Itoa(len(document.Text)), head.Header().Get("Content-Length"), path)
		require.Equal(t, w.Header().Get("ETag"), head.Header().Get("ETag"), path)

		require.Equal(t, http.StatusMethodNotAllowed, getDocument(t, http.MethodPost, path).Code, path)
	}
}

func TestMatchingETagReturns304(t *testing.T) {
	t.Parallel()
	for path := range servedDocuments() {
		for _, coding := range []string{"identity", "br, gzip"} {
			first := getDocument(t, http.MethodGet, path, "Accept-Encoding", coding)
			again := getDocument(t, http.MethodGet, path, "Accept-Encoding", coding, "If-None-Match", first.Header().Get("ETag"))
			require.Equal(t, http.StatusNotModified, again.Code, path)
			require.Empty(t, again.Body.String(), path)
		}
		require.Equal(t, http.StatusOK, getDocument(t, http.MethodGet, path, "If-None-Match", `"other"`).Code, path)
	}
}

func TestDocumentsAreCompressedWhenAccepted(t *testing.T) {
	t.Parallel()
	for path, document := range servedDocuments() {
		plain := getDocument(t, http.MethodGet, path, "Accept-Encoding", "identity, gzip;q=0")
		require.Empty(t, plain.Header().Get("Content-Encoding"), path)

		compressed := getDocument(t, http.MethodGet, path, "Accept-Encoding", "gzip, deflate")
		require.Equal(t, "gzip", compressed.Header().Get("Content-Encoding"), path)
		require.Equal(t, "Accept-Encoding", compressed.Header().Get("Vary"), path)
		require.NotEqual(t, plain.Header().Get("ETag"), compressed.Header().Get("ETag"), path)
		require.Less(t, compressed.Body.Len(), len(document.Text)/5, path)
		reader, err := gzip.NewReader(compressed.Body)
		require.NoError(t, err)
		text, err := io.ReadAll(reader)
		require.NoError(t, err)
		require.Equal(t, document.Text, string(text), path)
	}
}
