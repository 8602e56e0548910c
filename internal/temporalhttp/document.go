package temporalhttp

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/flowgate/flowgate/api/temporal"
	"github.com/flowgate/flowgate/internal/docs"
)

// MountDocuments adds the OpenAPI documents of the Temporal HTTP API to a router, at
// the same paths as in Temporal. As in Temporal, they need no credential.
func MountDocuments(router chi.Router) {
	for path, document := range map[string]temporal.Document{
		"/openapi.yaml": temporal.OpenAPI(),
		"/swagger.json": temporal.Swagger(),
	} {
		file := docs.NewFile(document.ContentType, []byte(document.Text))
		router.Method(http.MethodGet, path, file)
		router.Method(http.MethodHead, path, file)
	}
}
