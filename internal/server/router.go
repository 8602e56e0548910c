package server

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"

	"github.com/flowgate/flowgate/internal/docs"
	"github.com/flowgate/flowgate/internal/handlers"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/temporalhttp"
)

// newRouter returns a router without routes. Its own errors are problems like all
// others.
func newRouter() chi.Router {
	router := chi.NewRouter()
	router.Use(chimiddleware.GetHead)
	router.NotFound(func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, r, problem.New(problem.RouteNotFound, "There is no such route."))
	})
	router.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		e := problem.New(problem.MethodNotAllowed, "The route does not take this method.")
		e.Members.Allow = allowed(router, r)
		writeProblem(w, r, e)
	})
	return router
}

// mountPublic adds the routes that need no credential: the descriptions of the
// APIs, and the pages, which are nil when they are disabled.
func mountPublic(router chi.Router, pages *docs.Site) {
	handlers.MountDocuments(router)
	temporalhttp.MountDocuments(router)
	if pages != nil {
		pages.Mount(router)
		router.Get("/", http.RedirectHandler("/docs", http.StatusFound).ServeHTTP)
	}
}

// allowed returns the methods of the route of r.
func allowed(router chi.Routes, r *http.Request) []string {
	path := r.URL.Path
	if r.URL.RawPath != "" {
		path = r.URL.RawPath
	}
	var found []string
	for _, method := range methods() {
		as := method
		if method == http.MethodHead {
			as = http.MethodGet // its handler serves HEAD too
		}
		if router.Match(chi.NewRouteContext(), as, path) {
			found = append(found, method)
		}
	}
	return found
}

// methods returns the methods that a route can have.
func methods() []string {
	return []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
}
