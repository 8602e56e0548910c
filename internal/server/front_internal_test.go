package server

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/telemetry"
)

// failing is a front before a handler that ends in a panic.
func failing(t *testing.T, log *bytes.Buffer, handler http.HandlerFunc) *front {
	t.Helper()
	metrics, err := telemetry.NewMetrics("test")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, metrics.Shutdown(context.WithoutCancel(t.Context()))) })
	router := chi.NewRouter()
	router.Get("/fails", handler)
	return &front{
		router: router, gate: newGate(), probes: &probes{}, metrics: metrics,
		log: telemetry.NewLogger(log, "info", "json"), readBody: time.Second, write: time.Second,
	}
}

func TestPanicIsAnsweredAndLoggedOnce(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	f := failing(t, &log, func(http.ResponseWriter, *http.Request) { panic("broken") }) //nolint:forbidigo // what is tested
	answer := httptest.NewRecorder()
	f.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/fails", nil))
	require.Equal(t, http.StatusInternalServerError, answer.Code)
	require.Contains(t, answer.Body.String(), `"code":"internal"`)
	require.NotContains(t, answer.Body.String(), "broken")
	require.Contains(t, log.String(), "front_internal_test.go", "the stack is in the log")
	require.Contains(t, log.String(), `"status":500`)
	require.Zero(t, f.gate.inFlight)
}

func TestAbortCutsTheConnectionWithoutNoise(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	f := failing(t, &log, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	require.PanicsWithValue(t, http.ErrAbortHandler, func() {
		f.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/fails", nil))
	})
	require.NotContains(t, log.String(), `"msg":"panic"`)
	require.Contains(t, log.String(), `"msg":"request"`)
	require.Zero(t, f.gate.inFlight)
}
