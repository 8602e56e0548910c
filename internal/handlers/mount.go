package handlers

import (
	"github.com/go-chi/chi/v5"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

// Mount adds the API's routes to a router.
func (a *API) Mount(router chi.Router) { openapi.Mount(router, a) }
