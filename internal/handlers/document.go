package handlers

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/flowgate/flowgate/api"
	"github.com/flowgate/flowgate/internal/handlers/operation"
)

// MountDocuments adds the routes that serve the OpenAPI document of the client API, as YAML
// and as JSON. They require no credential.
func MountDocuments(router chi.Router) {
	router.Get("/v1/openapi.yaml", serveDocument("application/yaml", api.OpenAPIYAML()))
	router.Get("/v1/openapi.json", serveDocument(operation.JSON, api.OpenAPIJSON()))
}

func serveDocument(contentType string, document []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(document)
	}
}
