package telemetry

import (
	"context"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Gauge is a number that goes up and down and is read when the metrics are. It is safe for concurrent use.
type Gauge struct {
	value atomic.Int64
}

// Inc adds one.
func (g *Gauge) Inc() { g.value.Add(1) }

// Dec takes one away.
func (g *Gauge) Dec() { g.value.Add(-1) }

// Add adds n, which may be negative.
func (g *Gauge) Add(n int64) { g.value.Add(n) }

// Set replaces the number.
func (g *Gauge) Set(n int64) { g.value.Store(n) }

// Value returns the number.
func (g *Gauge) Value() int64 { return g.value.Load() }

// observe is the callback by which the metrics read the gauge.
func (g *Gauge) observe(attributes ...attribute.KeyValue) metric.Int64Callback {
	set := metric.WithAttributeSet(attribute.NewSet(attributes...))
	return func(_ context.Context, o metric.Int64Observer) error {
		o.Observe(g.Value(), set)
		return nil
	}
}
