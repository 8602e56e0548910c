package update

import (
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/telemetry"
	"github.com/flowgate/flowgate/internal/upstream"
)

// Service has the operations on updates.
type Service struct {
	adapter  *operation.Adapter
	upstream *upstream.Client
	polls    *longpoll.Polls
	drain    *longpoll.Drain
	metrics  *telemetry.Metrics
}

// New returns the service. Its waits share the polls in polls, and end when drain begins.
func New(adapter *operation.Adapter, polls *longpoll.Polls, drain *longpoll.Drain, metrics *telemetry.Metrics) *Service {
	return &Service{adapter: adapter, upstream: adapter.Upstream, polls: polls, drain: drain, metrics: metrics}
}
