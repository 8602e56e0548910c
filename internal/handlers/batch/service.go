package batch

import (
	"go.temporal.io/api/batch/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/transcode"
	"github.com/flowgate/flowgate/internal/upstream"
)

// Service has the operations on batch jobs.
type Service struct {
	adapter  *operation.Adapter
	upstream *upstream.Client
	views    views
}

// New returns the service.
func New(adapter *operation.Adapter) *Service {
	return &Service{adapter: adapter, upstream: adapter.Upstream, views: newViews()}
}

// views are the JSON forms of a list of jobs and of a job in it.
type views struct{ list, item *transcode.Plan }

func newViews() views {
	plans := transcode.NewPlans()
	return views{
		list: plans.View((&workflowservice.ListBatchOperationsResponse{}).ProtoReflect().Descriptor(), []transcode.ViewField{
			{Field: "operation_info", As: "batches", View: itemView(), Always: true},
		}),
		item: plans.View((&batch.BatchOperationInfo{}).ProtoReflect().Descriptor(), itemView()),
	}
}

// itemView returns the fields of a job in a list.
func itemView() []transcode.ViewField {
	return []transcode.ViewField{
		{Field: "job_id", As: "jobId", Always: true},
		{Field: "state", As: "state", Always: true},
		{Field: "operation_type", As: "operationType"},
		{Field: "start_time", As: "startTime", Always: true},
		{Field: "close_time", As: "closeTime"},
	}
}
