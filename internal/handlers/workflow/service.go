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
	// rejectConditions maps a namespace to the reject condition of queries that name
	// none.
	rejectConditions map[string]string
}

// New returns the service. Its waits share the polls in polls, and end when drain begins.
// RejectConditions maps a namespace to the reject condition of queries that name none.
func New(adapter *operation.Adapter, polls *longpoll.Polls, drain *longpoll.Drain, rejectConditions map[string]string) *Service {
	return &Service{
		adapter: adapter, upstream: adapter.Upstream, polls: polls, drain: drain,
		views: convert.NewViews(), rejectConditions: rejectConditions,
	}
}

// callVoid makes the call of an operation whose response to the caller has no body.
func (s *Service) callVoid(ctx context.Context, req *operation.Request, request, response proto.Message) (*operation.Response, error) {
	err := s.upstream.Do(ctx, req.Method, request, response)
	return operation.NoContent(), operation.WithWorkflowID(err, req.Execution.GetWorkflowId())
}
