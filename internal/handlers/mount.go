package handlers

import "github.com/go-chi/chi/v5"

// Mount adds the API's routes to a router.
func (a *API) Mount(router chi.Router) { Mount(router, a) }
