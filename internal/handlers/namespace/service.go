package namespace

import (
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/upstream"
)

// Service has the operations on namespaces.
type Service struct {
	adapter  *operation.Adapter
	upstream *upstream.Client
	views    views
}

// New returns the service.
func New(adapter *operation.Adapter) *Service {
	return &Service{adapter: adapter, upstream: adapter.Upstream, views: newViews()}
}
