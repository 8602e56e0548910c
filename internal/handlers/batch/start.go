package batch

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
	"github.com/flowgate/flowgate/internal/upstream"
)

// defaultReason is the reason if the caller sends none. The server requires a reason.
const defaultReason = "Requested through Flowgate."

// StartBatch starts a job, or counts the workflows that it would affect.
func (s *Service) StartBatch(w http.ResponseWriter, r *http.Request, namespace string) {
	spec := operation.Spec{
		Name: "startBatch", Namespace: namespace, Body: operation.BodyRequired,
		Method: workflowservice.WorkflowService_StartBatchOperation_FullMethodName,
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, _ *operation.None, body *openapi.StartBatchRequest,
	) (*operation.Response, error) {
		stamp, err := req.Stamp(body.JobID)
		if err != nil {
			return nil, err
		}
		request, err := startRequest(stamp, body)
		if err != nil {
			return nil, err
		}
		if err := s.upstream.Permits(ctx, spec.Method, request); err != nil {
			return nil, err
		}
		// The count detects an invalid query, with which the job would start and fail later without a reason. Any other
		// error of the count is ignored, because the job may start nevertheless.
		countCtx := ctx
		if !body.DryRun {
			countCtx = upstream.WithInternal(ctx) // the caller does not see the count
		}
		count, err := s.count(countCtx, request)
		switch {
		case body.DryRun && err == nil:
			return operation.OK(openapi.BatchCount{Count: count}), nil
		case body.DryRun || problem.Is(err, problem.InvalidRequest):
			return nil, operation.WithInvalidQuery(err, "/query")
		}
		err = s.upstream.Do(ctx, spec.Method, request, &workflowservice.StartBatchOperationResponse{})
		if err != nil && (body.JobID != "" || !repeatsBatch(req, err)) {
			return nil, err
		}
		if err != nil {
			req.MarkReplayed()
		}
		return operation.Created(
			openapi.StartedBatch{JobID: request.GetJobId()},
			convert.NamespacePath(namespace)+"/batches/"+url.PathEscape(request.GetJobId()),
		), nil
	})
}

// repeatsBatch reports whether err means that the same request has already started the
// job. The job's id is then derived from the Idempotency-Key and the body.
func repeatsBatch(req *operation.Request, err error) bool {
	return req.HasIdempotencyKey() && problem.Of(err).Upstream.Code() == codes.AlreadyExists
}

// count returns how many workflows a job would affect.
func (s *Service) count(ctx context.Context, batch *workflowservice.StartBatchOperationRequest) (int64, error) {
	if batch.GetVisibilityQuery() == "" {
		return int64(len(executionsOf(batch))), nil
	}
	response := &workflowservice.CountWorkflowExecutionsResponse{}
	err := s.upstream.Do(ctx, workflowservice.WorkflowService_CountWorkflowExecutions_FullMethodName,
		&workflowservice.CountWorkflowExecutionsRequest{Namespace: batch.GetNamespace(), Query: affectedQuery(batch)}, response)
	return response.GetCount(), err
}

// affectedQuery restricts a query as the server does for batch jobs (in its package
// worker/batcher): all operations except reset and delete affect open workflows only.
// The parentheses also make a query with GROUP BY invalid, which the server could count
// but not list.
func affectedQuery(batch *workflowservice.StartBatchOperationRequest) string {
	query := "(" + batch.GetVisibilityQuery() + ")"
	if batch.GetResetOperation() != nil || batch.GetDeletionOperation() != nil {
		return query
	}
	return query + " AND (ExecutionStatus='Running' OR ExecutionStatus='Paused')"
}

func startRequest(stamp convert.Stamp, body *openapi.StartBatchRequest) (*workflowservice.StartBatchOperationRequest, error) {
	var v convert.Validation
	request := &workflowservice.StartBatchOperationRequest{
		Namespace: stamp.Namespace, VisibilityQuery: body.Query, JobId: cmp.Or(body.JobID, stamp.RequestID),
		Reason: cmp.Or(body.Reason, defaultReason), MaxOperationsPerSecond: body.MaxOperationsPerSecond,
		Executions: executions(&v, "/executions", body.Executions), //nolint:staticcheck // older servers support no other field
	}
	v.CheckID("/jobId", request.GetJobId())
	if (body.Query == "") == (len(body.Executions) == 0) {
		v.Add("", "must have either query or executions")
	}
	if body.MaxOperationsPerSecond < 0 {
		v.Add("/maxOperationsPerSecond", "must be above zero")
	}
	setOperation(&v, "/operation", stamp, &body.Operation, request)
	return request, v.Err()
}

// maxExecutions is the server's default limit for one batch
// (frontend.MaxExecutionCountBatchOperationPerNamespace).
const maxExecutions = 1000

func executions(v *convert.Validation, pointer string, list []openapi.BatchExecution) []*common.WorkflowExecution {
	if !v.AtMost(pointer, len(list), maxExecutions) {
		return nil
	}
	sent := make([]*common.WorkflowExecution, len(list))
	for i, e := range list {
		at := pointer + "/" + strconv.Itoa(i)
		v.CheckID(at+"/workflowId", e.WorkflowID)
		if e.RunID != "" && !convert.IsRunID(e.RunID) {
			v.Add(at+"/runId", "must be the id of a run, a UUID")
		}
		sent[i] = &common.WorkflowExecution{WorkflowId: e.WorkflowID, RunId: e.RunID}
	}
	return sent
}

func executionsOf(batch *workflowservice.StartBatchOperationRequest) []*common.WorkflowExecution {
	return batch.GetExecutions() //nolint:staticcheck // see startRequest
}
