package telemetry

import (
	"context"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Gauge is an integer whose current value the metrics report. It is safe for concurrent use.
type Gauge struct {
	value atomic.Int64
}

// Inc adds one.
func (g *Gauge) Inc() { g.value.Add(1) }

// Dec subtracts one.
func (g *Gauge) Dec() { g.value.Add(-1) }

// Add adds n, which may be negative.
func (g *Gauge) Add(n int64) { g.value.Add(n) }

// Set sets the number.
func (g *Gauge) Set(n int64) { g.value.Store(n) }

// Value returns the number.
func (g *Gauge) Value() int64 { return g.value.Load() }

// observe returns the callback that reads the gauge.
func (g *Gauge) observe(attributes ...attribute.KeyValue) metric.Int64Callback {
	set := metric.WithAttributeSet(attribute.NewSet(attributes...))
	return func(_ context.Context, o metric.Int64Observer) error {
		o.Observe(g.Value(), set)
		return nil
	}
}
