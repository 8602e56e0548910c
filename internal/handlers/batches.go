package handlers

import (
	"cmp"
	"context"
	"net/http"

	"go.temporal.io/api/batch/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/transcode"
	"github.com/flowgate/flowgate/internal/upstream"
)

// ListBatches gives a page of the batch jobs as JSON, or every job as NDJSON.
func (a *API) ListBatches(w http.ResponseWriter, r *http.Request, namespace string) {
	spec := operation.Spec{
		Name: "listBatches", Namespace: namespace, MediaTypes: []string{operation.JSON, operation.NDJSON},
		Method: workflowservice.WorkflowService_ListBatchOperations_FullMethodName,
	}
	operation.Serve(a.adapter, w, r, spec, func(ctx context.Context, req *operation.Request, params *openapi.ListBatchesParams, _ *operation.None) (*operation.Response, error) {
		list, err := req.NewPages(operation.Paging{PageSize: params.PageSize, PageToken: params.PageToken, Limit: params.Limit}, "")
		if err != nil {
			return nil, err
		}
		list.View, list.LineView = a.batchViews.list, a.batchViews.item
		list.Split = operation.SplitList
		list.Fetch = func(ctx context.Context, token []byte, size int32) (upstream.Response, error) {
			return a.options.Upstream.Call(ctx, spec.Method, &workflowservice.ListBatchOperationsRequest{
				Namespace: namespace, NextPageToken: token, PageSize: size,
			})
		}
		return list.Respond(ctx)
	})
}

// batchViews are the JSON shapes of the list of jobs and of a job in it.
type batchViews struct{ list, item *transcode.Message }

func newBatchViews() batchViews {
	plans := transcode.NewPlans()
	return batchViews{
		list: plans.View((&workflowservice.ListBatchOperationsResponse{}).ProtoReflect().Descriptor(), []transcode.ViewField{
			{Field: "operation_info", As: "batches", View: batchView(), Always: true},
		}),
		item: plans.View((&batch.BatchOperationInfo{}).ProtoReflect().Descriptor(), batchView()),
	}
}

// batchView are the fields of a job in a list.
func batchView() []transcode.ViewField {
	return []transcode.ViewField{
		{Field: "job_id", As: "jobId", Always: true},
		{Field: "state", As: "state", Always: true},
		{Field: "operation_type", As: "operationType"},
		{Field: "start_time", As: "startTime", Always: true},
		{Field: "close_time", As: "closeTime"},
	}
}

// DescribeBatch returns the progress of a batch job.
func (a *API) DescribeBatch(w http.ResponseWriter, r *http.Request, namespace, jobID string) {
	spec := operation.Spec{
		Name: "describeBatch", Namespace: namespace,
		Method: workflowservice.WorkflowService_DescribeBatchOperation_FullMethodName,
	}
	operation.Serve(a.adapter, w, r, spec, func(ctx context.Context, _ *operation.Request, _ *operation.None, _ *operation.None) (*operation.Response, error) {
		job, err := a.describeBatch(ctx, namespace, jobID)
		if err != nil {
			return nil, err
		}
		return operation.OK(renderBatch(job)), nil
	})
}

// StopBatch stops a batch job.
func (a *API) StopBatch(w http.ResponseWriter, r *http.Request, namespace, jobID string) {
	spec := operation.Spec{
		Name: "stopBatch", Namespace: namespace, Body: operation.BodyOptional,
		Method: workflowservice.WorkflowService_StopBatchOperation_FullMethodName,
	}
	operation.Serve(a.adapter, w, r, spec, func(ctx context.Context, req *operation.Request, _ *operation.None, body *openapi.StopBatchRequest) (*operation.Response, error) {
		// The server would end whatever workflow has this id, a job or not.
		if _, err := a.describeBatch(ctx, namespace, jobID); err != nil {
			return nil, err
		}
		err := a.options.Upstream.Do(ctx, spec.Method, &workflowservice.StopBatchOperationRequest{
			Namespace: namespace, JobId: jobID, Reason: cmp.Or(body.Reason, defaultReason), Identity: req.Identity(),
		}, &workflowservice.StopBatchOperationResponse{})
		return operation.NoContent(), err
	})
}

func (a *API) describeBatch(ctx context.Context, namespace, jobID string) (*workflowservice.DescribeBatchOperationResponse, error) {
	var v convert.Validation
	v.CheckID("jobId", jobID)
	if err := v.Err(); err != nil {
		return nil, err
	}
	job := &workflowservice.DescribeBatchOperationResponse{}
	err := a.options.Upstream.Do(ctx, workflowservice.WorkflowService_DescribeBatchOperation_FullMethodName,
		&workflowservice.DescribeBatchOperationRequest{Namespace: namespace, JobId: jobID}, job)
	if err == nil && job.GetReason() == "" { // every job has one
		err = problem.New(problem.BatchNotFound, "There is no batch job of this id, but a workflow.")
	}
	return job, err
}

func renderBatch(job *workflowservice.DescribeBatchOperationResponse) openapi.Batch {
	shown := openapi.Batch{
		JobID: job.GetJobId(), State: convert.EnumName(job.GetState()), OperationType: convert.EnumName(job.GetOperationType()),
		StartTime: convert.FormatTime(job.GetStartTime()), CloseTime: convert.FormatTime(job.GetCloseTime()),
		Progress: openapi.BatchProgress{
			Total: job.GetTotalOperationCount(), Completed: job.GetCompleteOperationCount(), Failed: job.GetFailureOperationCount(),
		},
		Identity: job.GetIdentity(), Reason: job.GetReason(), Query: job.GetQuery(),
	}
	for _, one := range job.GetExecutions() {
		shown.Executions = append(shown.Executions, openapi.BatchExecution{WorkflowID: one.GetBusinessId(), RunID: one.GetRunId()})
	}
	return shown
}
