package history

import (
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/longpoll"
	"github.com/flowgate/flowgate/internal/transcode"
	"github.com/flowgate/flowgate/internal/upstream"
)

// Service has the operation on histories.
type Service struct {
	adapter  *operation.Adapter
	upstream *upstream.Client
	polls    *longpoll.Polls
	drain    *longpoll.Drain
	views    views
}

// New returns the service. Its streams share the polls in polls, and end when drain
// begins.
func New(adapter *operation.Adapter, polls *longpoll.Polls, drain *longpoll.Drain) *Service {
	return &Service{adapter: adapter, upstream: adapter.Upstream, polls: polls, drain: drain, views: newViews()}
}

// views are the JSON forms of a page of events and of an event.
type views struct{ page, event *transcode.Plan }

func newViews() views {
	plans := transcode.NewPlans()
	return views{
		page: plans.View((&workflowservice.GetWorkflowExecutionHistoryResponse{}).ProtoReflect().Descriptor(), []transcode.ViewField{
			{Field: "history", Always: true, View: []transcode.ViewField{{Field: "events", As: "events", Always: true}}},
		}),
		event: plans.Message((&history.HistoryEvent{}).ProtoReflect().Descriptor()),
	}
}
