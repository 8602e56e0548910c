package server

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/drain"
	"github.com/flowgate/flowgate/internal/telemetry"
)

// NewLoggedRoute returns a handler that serves the route /fails behind the request log and a gate, and that gate.
func NewLoggedRoute(t *testing.T, log io.Writer, handler http.HandlerFunc) (http.Handler, *drain.Gate) {
	t.Helper()
	metrics, err := telemetry.NewMetrics("test")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, metrics.Shutdown(context.WithoutCancel(t.Context()))) })
	router := newRouter()
	router.Get("/fails", handler)
	l := &requestLog{
		router: router, probes: &probes{}, metrics: metrics,
		log: telemetry.NewLogger(log, "info", "json"), readBody: time.Second, write: time.Second,
	}
	gate := drain.NewGate()
	return chain(router, l.record, passGate(gate)), gate
}
