package telemetry

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// observed contains functions that return the current value of a gauge, by the value of its label. The gauge calls them
// when the metrics are collected. They may be added at any time: an exporter can collect while the gateway is assembled.
type observed[T any] struct {
	mu      sync.Mutex
	byLabel map[string][]func() T
}

func (o *observed[T]) add(label string, read func() T) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.byLabel == nil {
		o.byLabel = map[string][]func() T{}
	}
	o.byLabel[label] = append(o.byLabel[label], read)
}

// callback returns the callback that reports, for each value of the label name, the reduced values of its functions. It
// omits a value for which reduce returns false. An empty name means that the gauge has no label.
func (o *observed[T]) callback(name string, reduce func([]T) (int64, bool)) metric.Int64Callback {
	return func(_ context.Context, out metric.Int64Observer) error {
		o.mu.Lock()
		defer o.mu.Unlock()
		for label, functions := range o.byLabel {
			values := make([]T, 0, len(functions))
			for _, read := range functions {
				values = append(values, read())
			}
			value, ok := reduce(values)
			switch {
			case !ok:
			case name == "":
				out.Observe(value)
			default:
				out.Observe(value, metric.WithAttributes(attribute.String(name, label)))
			}
		}
		return nil
	}
}

// allTrue returns 1 if all values are true, else 0.
func allTrue(values []bool) (int64, bool) {
	for _, value := range values {
		if !value {
			return 0, true
		}
	}
	return 1, true
}

// earliest returns the earliest time, in Unix seconds. It ignores zero times, which stand for no expiry, and returns
// false if there is no other time.
func earliest(values []time.Time) (int64, bool) {
	var first time.Time
	for _, value := range values {
		if !value.IsZero() && (first.IsZero() || value.Before(first)) {
			first = value
		}
	}
	return first.Unix(), !first.IsZero()
}

// ObserveFile adds a reloaded file to the metric of the files in force. inForce reports whether the version on disk is
// in force. If several files have the same kind, such as upstream_credential, the metric is 1 while all of them are.
func (m *Metrics) ObserveFile(kind string, inForce func() bool) { m.files.add(kind, inForce) }

// ObserveCertificate adds a certificate to the metric of expiries. name is listener or upstream; of several certificates
// with one name, the metric has the earliest expiry.
func (m *Metrics) ObserveCertificate(name string, expiry func() time.Time) {
	m.certificates.add(name, expiry)
}

// ObserveKeysExpiry sets the function that returns when the next API key expires; zero means never.
func (m *Metrics) ObserveKeysExpiry(next func() time.Time) { m.keysExpiry.add("", next) }

// ObserveUpstreamCredential adds a credential for Temporal to the metric of the earliest expiry. expiry returns zero if
// the expiry is unknown.
func (m *Metrics) ObserveUpstreamCredential(expiry func() time.Time) { m.credentials.add("", expiry) }

// SetConfiguration sets the hash of the configuration in force, which is a label. Call it once.
func (m *Metrics) SetConfiguration(hash string) {
	m.configuration.add(hash, func() bool { return true })
}

// ObserveKeyAges sets the function that returns the age of each issuer's keys.
func (m *Metrics) ObserveKeyAges(ages func() map[string]time.Duration) { m.keyAges.Store(&ages) }

// observeKeyAges is the callback that observes the age of each issuer's keys.
func (m *Metrics) observeKeyAges(_ context.Context, o metric.Int64Observer) error {
	ages := m.keyAges.Load()
	if ages == nil {
		return nil
	}
	for issuer, age := range (*ages)() {
		o.Observe(int64(age.Seconds()), metric.WithAttributes(attribute.String("issuer", issuer)))
	}
	return nil
}
