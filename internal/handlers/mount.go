package handlers

import (
	"errors"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/flowgate/flowgate/internal/problem"
)

// Mount adds the API's routes to a router.
func (a *API) Mount(router chi.Router) {
	HandlerWithOptions(a, ChiServerOptions{BaseRouter: router, ErrorHandlerFunc: a.badParameter})
}

// badParameter answers for a parameter that the generated code cannot read.
func (a *API) badParameter(w http.ResponseWriter, r *http.Request, err error) {
	var (
		format   *InvalidParamFormatError
		required *RequiredParamError
	)
	switch {
	case errors.As(err, &format):
		err = problem.Invalid(parameter(format.ParamName), "cannot be read").WithCause(err)
	case errors.As(err, &required):
		err = problem.Invalid("?"+required.ParamName, "is required")
	default:
		err = problem.New(problem.InvalidRequest, "A parameter cannot be read.").WithCause(err)
	}
	a.fail(w, r, err)
}

// parameter points at a parameter: the namespace is the path's.
func parameter(name string) string {
	if name == "namespace" {
		return name
	}
	return "?" + name
}
