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

// FrontOf returns the first steps in front of one route, /fails, and the gate.
func FrontOf(t *testing.T, log io.Writer, handler http.HandlerFunc) (http.Handler, *drain.Gate) {
	t.Helper()
	metrics, err := telemetry.NewMetrics("test")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, metrics.Shutdown(context.WithoutCancel(t.Context()))) })
	router := newRouter()
	router.Get("/fails", handler)
	f := &front{
		router: router, probes: &probes{}, metrics: metrics,
		log: telemetry.NewLogger(log, "info", "json"), readBody: time.Second, write: time.Second,
	}
	gate := drain.NewGate()
	return chain(router, f.record, passGate(gate)), gate
}
