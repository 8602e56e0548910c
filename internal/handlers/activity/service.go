package activity

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/upstream"
)

// Service has the operations on activities.
type Service struct {
	adapter  *operation.Adapter
	upstream *upstream.Client
	polls    *longpoll.Polls
	drain    *longpoll.Drain
	views    *views
}

// New returns the service. Its waits share the polls in polls, and end when drain begins.
func New(adapter *operation.Adapter, polls *longpoll.Polls, drain *longpoll.Drain) *Service {
	return &Service{adapter: adapter, upstream: adapter.Upstream, polls: polls, drain: drain, views: newViews()}
}

// callVoid makes the call of an operation whose response to the caller has no body.
func (s *Service) callVoid(ctx context.Context, method string, request proto.Message) (*operation.Response, error) {
	response, err := s.upstream.Call(ctx, method, request)
	if err != nil {
		return nil, err
	}
	response.Release()
	return operation.NoContent(), nil
}
