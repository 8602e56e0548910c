package telemetry_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMetricsPerCallerAreLimited(t *testing.T) {
	t.Parallel()
	m, ctx := newMetrics(t), t.Context()
	m.LimitCallers(2)
	m.RecordCaller(ctx, "first", 201, 2*time.Second)
	m.RecordCaller(ctx, "first", 404, time.Second)
	m.RecordCaller(ctx, "bad\xff", 503, time.Second)
	m.RecordCaller(ctx, "third", 200, time.Second)
	m.RecordCaller(ctx, "fourth", 200, time.Second)
	lines := strings.Split(scrape(t, m), "\n")
	for _, want := range []string{
		`flowgate_caller_requests_total{caller="first",outcome="success"} 1`,
		`flowgate_caller_requests_total{caller="first",outcome="client_error"} 1`,
		`flowgate_caller_requests_total{caller="bad�",outcome="server_error"} 1`,
		`flowgate_caller_requests_total{caller="_other",outcome="success"} 2`,
		`flowgate_caller_duration_seconds_total{caller="first"} 3`,
		`flowgate_caller_duration_seconds_total{caller="_other"} 2`,
	} {
		require.Contains(t, lines, want)
	}
	require.NotContains(t, strings.Join(lines, "\n"), "third")
}

func TestMetricsPerCallerAreOffByDefault(t *testing.T) {
	t.Parallel()
	m := newMetrics(t)
	m.RecordCaller(t.Context(), "first", 200, time.Second)
	require.NotContains(t, scrape(t, m), "flowgate_caller")
}

func TestConcurrentCallersDoNotExceedTheLimit(t *testing.T) {
	t.Parallel()
	m := newMetrics(t)
	m.LimitCallers(10)
	var recorders sync.WaitGroup
	for range 4 {
		recorders.Go(func() {
			for i := range 100 {
				m.RecordCaller(t.Context(), fmt.Sprint("caller-", i), 200, time.Second)
			}
		})
	}
	recorders.Wait()
	require.Equal(t, 10+1, strings.Count(scrape(t, m), "flowgate_caller_duration_seconds_total{"))
}

func BenchmarkCaller(b *testing.B) {
	m, ctx := newMetrics(b), b.Context()
	m.LimitCallers(100)
	b.ReportAllocs()
	for b.Loop() {
		m.RecordCaller(ctx, "writer", 201, 3*time.Millisecond)
	}
}
