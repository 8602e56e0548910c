package server

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAPanicIsA500AndIsLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	route, gate := NewLoggedRoute(t, &log, func(http.ResponseWriter, *http.Request) { panic("broken") }) //nolint:forbidigo // the test is about panics
	recorder := httptest.NewRecorder()
	route.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/fails", nil))
	require.Equal(t, http.StatusInternalServerError, recorder.Code)
	require.Contains(t, recorder.Body.String(), `"code":"internal"`)
	require.NotContains(t, recorder.Body.String(), "broken")
	require.Contains(t, log.String(), "requestlog_internal_test.go", "the stack is in the log")
	require.Contains(t, log.String(), `"status":500`)
	require.Zero(t, gate.InFlight())
}

func TestAnAbortIsNotLoggedAsAPanic(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	route, gate := NewLoggedRoute(t, &log, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	require.PanicsWithValue(t, http.ErrAbortHandler, func() {
		route.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/fails", nil))
	})
	require.NotContains(t, log.String(), `"msg":"panic"`)
	require.Contains(t, log.String(), `"msg":"request"`)
	require.Zero(t, gate.InFlight())
}
