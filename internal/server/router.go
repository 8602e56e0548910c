package server

import (
	"cmp"
	"net/http"
	"strings"

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
		e := problem.New(problem.RouteNotFound, "There is no such route.")
		if route := similarRoute(router, r); route != "" {
			e.Detail += " The gateway has " + route + "."
		}
		writeProblem(w, r, e)
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

// similarRoute returns the method and the template of the route that a caller probably means: that of the other door,
// or the one in a namespace. It is empty if there is none. It contains no text from the caller.
func similarRoute(router chi.Routes, r *http.Request) string {
	path := strings.TrimSuffix(cmp.Or(r.URL.RawPath, r.URL.Path), "/")
	for _, prefix := range []string{"/api/v1/", "/api/", "/v1/"} {
		if strings.HasPrefix(path, prefix) {
			path = path[len(prefix)-1:]
			break
		}
	}
	method := routedMethod(r.Method)
	for _, prefix := range []string{"/v1", "/v1/namespaces/-", "/api/v1"} {
		if route := router.Find(chi.NewRouteContext(), method, prefix+path); route != "" {
			return method + " " + route
		}
	}
	return ""
}

// routedMethod returns the method of the routes that handle a request.
func routedMethod(method string) string {
	if method == http.MethodHead {
		return http.MethodGet
	}
	return method
}

// allowed returns the methods that the routes for the path of r support.
func allowed(router chi.Routes, r *http.Request) []string {
	path := cmp.Or(r.URL.RawPath, r.URL.Path)
	var supported []string
	for _, method := range methods() {
		if router.Match(chi.NewRouteContext(), routedMethod(method), path) {
			supported = append(supported, method)
		}
	}
	return supported
}

// methods returns the methods that the routes of the gateway use.
func methods() []string {
	return []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
}
