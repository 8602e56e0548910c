package handlers

import (
	"net/http"

	"github.com/flowgate/flowgate/api"
)

// GetOpenAPIYAML serves the API's description as it was written.
func (a *API) GetOpenAPIYAML(w http.ResponseWriter, _ *http.Request) {
	writeDocument(w, "application/yaml", api.OpenAPIYAML())
}

// GetOpenAPIJSON serves the same as JSON.
func (a *API) GetOpenAPIJSON(w http.ResponseWriter, _ *http.Request) {
	writeDocument(w, contentTypeJSON, api.OpenAPIJSON())
}

func writeDocument(w http.ResponseWriter, contentType string, document []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(document)
}
