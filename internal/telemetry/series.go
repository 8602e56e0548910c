package telemetry

import (
	"maps"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// maxSeries is the maximum number of label sets of one instrument. It is far above the number of combinations of
// routes, methods and codes, and takes effect only if a label has an unlimited number of values by mistake.
const maxSeries = 4096

// series caches the label sets of an instrument by key, so that recording a measurement neither sorts labels nor
// allocates. Reads take no lock: a new label set is rare, and adding one replaces the map. series is safe for
// concurrent use.
type series[K comparable] struct {
	sets     atomic.Pointer[map[K]labels]
	mu       sync.Mutex
	label    func(K) []attribute.KeyValue
	overflow labels
}

// labels is a label set, as options for histograms (record) and for counters (add).
type labels struct {
	record []metric.RecordOption
	add    []metric.AddOption
}

// newSeries returns a cache that creates label sets with label. After maxSeries sets, new keys are counted under other.
func newSeries[K comparable](label func(K) []attribute.KeyValue, other K) *series[K] {
	s := &series[K]{label: label, overflow: newLabels(label(other))}
	s.sets.Store(&map[K]labels{})
	return s
}

func newLabels(attributes []attribute.KeyValue) labels {
	set := metric.WithAttributeSet(attribute.NewSet(attributes...))
	return labels{record: []metric.RecordOption{set}, add: []metric.AddOption{set}}
}

func (s *series[K]) get(key K) labels {
	if found, ok := (*s.sets.Load())[key]; ok {
		return found
	}
	return s.add(key)
}

func (s *series[K]) add(key K) labels {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := *s.sets.Load()
	if found, ok := old[key]; ok {
		return found
	}
	if len(old) >= maxSeries {
		return s.overflow
	}
	sets := maps.Clone(old)
	sets[key] = newLabels(s.label(key))
	s.sets.Store(&sets)
	return sets[key]
}
