package handlers

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/problem"
)

// defaultReason is written where the server wants a reason and the caller gave none.
const defaultReason = "Requested through Flowgate."

// StartBatch starts a job that does the same to many workflows, or counts them.
func (a *API) StartBatch(w http.ResponseWriter, r *http.Request, namespace string) {
	spec := operation.Spec{
		Name: "startBatch", Namespace: namespace, Body: operation.BodyRequired,
		Method: workflowservice.WorkflowService_StartBatchOperation_FullMethodName,
	}
	operation.Serve(a.adapter, w, r, spec, func(ctx context.Context, req *operation.Request, _ *operation.None, body *openapi.StartBatchRequest) (*operation.Response, error) {
		s, err := req.Stamp(body.JobID)
		if err != nil {
			return nil, err
		}
		request, err := batchRequest(s, body)
		if err != nil {
			return nil, err
		}
		// A job with an invalid query would start, and fail without a reason. Any other error of the count need not affect
		// the job: its start reports its own.
		count, err := a.countBatch(ctx, request)
		switch {
		case body.DryRun && err == nil:
			return operation.OK(openapi.BatchCount{Count: count}), nil
		case body.DryRun || problem.Is(err, problem.InvalidRequest):
			return nil, err
		}
		err = a.options.Upstream.Do(ctx, spec.Method, request, &workflowservice.StartBatchOperationResponse{})
		if err != nil && (body.JobID != "" || !repeatsBatch(req, err)) {
			return nil, err
		}
		return operation.Created(
			openapi.StartedBatch{JobID: request.GetJobId()},
			convert.NamespacePath(namespace)+"/batches/"+url.PathEscape(request.GetJobId()),
		), nil
	})
}

// repeatsBatch reports whether a job exists already because this very call started
// it: its id was made from the call's Idempotency-Key and body.
func repeatsBatch(req *operation.Request, err error) bool {
	return req.HasIdempotencyKey() && problem.Of(err).Upstream.Code() == codes.AlreadyExists
}

// countBatch returns how many workflows a job would affect.
func (a *API) countBatch(ctx context.Context, batch *workflowservice.StartBatchOperationRequest) (int64, error) {
	if batch.GetVisibilityQuery() == "" {
		return int64(len(executionsOf(batch))), nil
	}
	response := &workflowservice.CountWorkflowExecutionsResponse{}
	err := a.options.Upstream.Do(ctx, workflowservice.WorkflowService_CountWorkflowExecutions_FullMethodName,
		&workflowservice.CountWorkflowExecutionsRequest{Namespace: batch.GetNamespace(), Query: batchQuery(batch)}, response)
	return response.GetCount(), err
}

// batchQuery narrows a query as the server's batches do (its worker/batcher):
// but for resets and deletions they look for open workflows alone. A query that
// groups can be counted and not be listed, but not in parentheses.
func batchQuery(batch *workflowservice.StartBatchOperationRequest) string {
	query := "(" + batch.GetVisibilityQuery() + ")"
	if batch.GetResetOperation() != nil || batch.GetDeletionOperation() != nil {
		return query
	}
	return query + " AND (ExecutionStatus='Running' OR ExecutionStatus='Paused')"
}

func batchRequest(s convert.Stamp, body *openapi.StartBatchRequest) (*workflowservice.StartBatchOperationRequest, error) {
	var v convert.Validation
	request := &workflowservice.StartBatchOperationRequest{
		Namespace: s.Namespace, VisibilityQuery: body.Query, JobId: cmp.Or(body.JobID, s.RequestID),
		Reason: cmp.Or(body.Reason, defaultReason), MaxOperationsPerSecond: body.MaxOperationsPerSecond,
		Executions: batchExecutions(&v, "/executions", body.Executions), //nolint:staticcheck // older servers know no other
	}
	v.CheckID("/jobId", request.GetJobId())
	if (body.Query == "") == (len(body.Executions) == 0) {
		v.Add("", "must have either query or executions")
	}
	if body.MaxOperationsPerSecond < 0 {
		v.Add("/maxOperationsPerSecond", "must be above zero")
	}
	setBatchOperation(&v, "/operation", s, &body.Operation, request)
	return request, v.Err()
}

// maxExecutions is the server's default limit for one batch
// (frontend.MaxExecutionCountBatchOperationPerNamespace).
const maxExecutions = 1000

func batchExecutions(v *convert.Validation, pointer string, list []openapi.BatchExecution) []*common.WorkflowExecution {
	if !v.AtMost(pointer, len(list), maxExecutions) {
		return nil
	}
	sent := make([]*common.WorkflowExecution, len(list))
	for i, one := range list {
		at := pointer + "/" + strconv.Itoa(i)
		v.CheckID(at+"/workflowId", one.WorkflowID)
		if one.RunID != "" && !convert.IsRunID(one.RunID) {
			v.Add(at+"/runId", "must be the id of a run, a UUID")
		}
		sent[i] = &common.WorkflowExecution{WorkflowId: one.WorkflowID, RunId: one.RunID}
	}
	return sent
}

func executionsOf(batch *workflowservice.StartBatchOperationRequest) []*common.WorkflowExecution {
	return batch.GetExecutions() //nolint:staticcheck // see batchRequest
}
