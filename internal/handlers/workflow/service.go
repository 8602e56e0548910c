package workflow

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/upstream"
)

// Service has the operations on workflows.
type Service struct {
	adapter  *operation.Adapter
	upstream *upstream.Client
	polls    *longpoll.Polls
	drain    *longpoll.Drain
	views    *convert.Views
	// rejectConditions has the reject condition of queries that name none, by
	// namespace.
	rejectConditions map[string]string
}

// New returns the operations. Waits share polls and end with drain. RejectConditions
// are the default query reject conditions by namespace.
func New(adapter *operation.Adapter, polls *longpoll.Polls, drain *longpoll.Drain, rejectConditions map[string]string) *Service {
	return &Service{
		adapter: adapter, upstream: adapter.Upstream, polls: polls, drain: drain,
		views: convert.NewViews(), rejectConditions: rejectConditions,
	}
}

// callVoid makes the call of an operation whose response has no body.
func (s *Service) callVoid(ctx context.Context, req *operation.Request, request, response proto.Message) (*operation.Response, error) {
	err := s.upstream.Do(ctx, req.Method, request, response)
	return operation.NoContent(), operation.WithWorkflowID(err, req.Execution.GetWorkflowId())
}
