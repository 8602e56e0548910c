package server

import (
	"cmp"
	"net/http"

	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"

	"github.com/flowgate/flowgate/internal/docs"
	"github.com/flowgate/flowgate/internal/handlers"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/temporalhttp"
)

// newRouter returns a router without routes. It responds to a request that matches no route with a problem.
func newRouter() chi.Router {
	router := chi.NewRouter()
	router.Use(chimiddleware.GetHead)
	router.NotFound(func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, r, problem.New(problem.RouteNotFound, "There is no such route."))
	})
	router.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		e := problem.New(problem.MethodNotAllowed, "The route does not support this method.")
		e.Members.Allow = allowed(router, r)
		writeProblem(w, r, e)
	})
	return router
}

// mountPublic adds the routes that require no credential: the API documents, and the pages at /docs unless pages is
// nil.
func mountPublic(router chi.Router, pages *docs.Site) {
	handlers.MountDocuments(router)
	temporalhttp.MountDocuments(router)
	if pages != nil {
		pages.Mount(router)
		router.Get("/", http.RedirectHandler("/docs", http.StatusFound).ServeHTTP)
	}
}

// allowed returns the methods that the routes for the path of r support.
func allowed(router chi.Routes, r *http.Request) []string {
	path := cmp.Or(r.URL.RawPath, r.URL.Path)
	var supported []string
	for _, method := range methods() {
		routed := method
		if method == http.MethodHead {
			routed = http.MethodGet // the router handles HEAD like GET
		}
		if router.Match(chi.NewRouteContext(), routed, path) {
			supported = append(supported, method)
		}
	}
	return supported
}

// methods returns the methods that the routes of the gateway use.
func methods() []string {
	return []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
}
