package server

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/drain"
	"github.com/flowgate/flowgate/internal/telemetry"
)

// FrontOf is a front before one route, /fails.
func FrontOf(t *testing.T, log io.Writer, handler http.HandlerFunc) *front {
	t.Helper()
	metrics, err := telemetry.NewMetrics("test")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, metrics.Shutdown(context.WithoutCancel(t.Context()))) })
	router := chi.NewRouter()
	router.Get("/fails", handler)
	f := &front{
		router: router, gate: drain.NewGate(), probes: &probes{}, metrics: metrics,
		log: telemetry.NewLogger(log, "info", "json"), readBody: time.Second, write: time.Second,
	}
	f.next = http.HandlerFunc(f.passGate)
	return f
}
