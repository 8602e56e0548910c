package batch

import (
	"cmp"
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream"
)

// ListBatches returns a page of the batch jobs as JSON, or all jobs as NDJSON.
func (s *Service) ListBatches(w http.ResponseWriter, r *http.Request, namespace string) {
	spec := operation.Spec{
		Name: "listBatches", Namespace: namespace, MediaTypes: []string{operation.JSON, operation.NDJSON},
		Method: workflowservice.WorkflowService_ListBatchOperations_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, params *openapi.ListBatchesParams, _ *operation.None,
	) (*operation.Response, error) {
		list, err := req.NewPages(operation.Paging{PageSize: params.PageSize, PageToken: params.PageToken, Limit: params.Limit}, "")
		if err != nil {
			return nil, err
		}
		list.View, list.LineView = s.views.list, s.views.item
		list.Split = operation.SplitList
		list.Fetch = func(ctx context.Context, token []byte, size int32) (upstream.Response, error) {
			return s.upstream.Call(ctx, spec.Method, &workflowservice.ListBatchOperationsRequest{
				Namespace: namespace, NextPageToken: token, PageSize: size,
			})
		}
		return list.Respond(ctx)
	})
}

// DescribeBatch returns the progress of a batch job.
func (s *Service) DescribeBatch(w http.ResponseWriter, r *http.Request, namespace, jobID string) {
	spec := operation.Spec{
		Name: "describeBatch", Namespace: namespace,
		Method: workflowservice.WorkflowService_DescribeBatchOperation_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, _ *operation.Request, _, _ *operation.None,
	) (*operation.Response, error) {
		job, err := s.describe(ctx, namespace, jobID)
		if err != nil {
			return nil, err
		}
		return operation.OK(render(job)), nil
	})
}

// StopBatch stops a batch job.
func (s *Service) StopBatch(w http.ResponseWriter, r *http.Request, namespace, jobID string) {
	spec := operation.Spec{
		Name: "stopBatch", Namespace: namespace, Body: operation.BodyOptional,
		Method: workflowservice.WorkflowService_StopBatchOperation_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, _ *operation.None, body *openapi.StopBatchRequest,
	) (*operation.Response, error) {
		// The server runs a job as a workflow, and would stop any workflow with this id.
		if _, err := s.describe(upstream.WithInternal(ctx), namespace, jobID); err != nil {
			return nil, err
		}
		err := s.upstream.Do(ctx, spec.Method, &workflowservice.StopBatchOperationRequest{
			Namespace: namespace, JobId: jobID, Reason: cmp.Or(body.Reason, defaultReason), Identity: req.Identity(),
		}, &workflowservice.StopBatchOperationResponse{})
		return operation.NoContent(), err
	})
}

func (s *Service) describe(ctx context.Context, namespace, jobID string) (*workflowservice.DescribeBatchOperationResponse, error) {
	var v convert.Validation
	v.CheckID("jobId", jobID)
	if err := v.Err(); err != nil {
		return nil, err
	}
	job := &workflowservice.DescribeBatchOperationResponse{}
	err := s.upstream.Do(ctx, workflowservice.WorkflowService_DescribeBatchOperation_FullMethodName,
		&workflowservice.DescribeBatchOperationRequest{Namespace: namespace, JobId: jobID}, job)
	if err == nil && job.GetReason() == "" { // every job has a reason
		err = problem.New(problem.BatchNotFound, "The id is that of a workflow, not of a batch job.")
	}
	return job, err
}

func render(job *workflowservice.DescribeBatchOperationResponse) openapi.Batch {
	body := openapi.Batch{
		JobID: job.GetJobId(), State: convert.EnumName(job.GetState()), OperationType: convert.EnumName(job.GetOperationType()),
		StartTime: convert.FormatTime(job.GetStartTime()), CloseTime: convert.FormatTime(job.GetCloseTime()),
		Progress: openapi.BatchProgress{
			Total: job.GetTotalOperationCount(), Completed: job.GetCompleteOperationCount(), Failed: job.GetFailureOperationCount(),
		},
		Identity: job.GetIdentity(), Reason: job.GetReason(), Query: job.GetQuery(),
	}
	for _, e := range job.GetExecutions() {
		body.Executions = append(body.Executions, openapi.BatchExecution{WorkflowID: e.GetBusinessId(), RunID: e.GetRunId()})
	}
	return body
}
