package workflow

import (
	"context"
	"net/http"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
)

// ResetWorkflow resets a workflow to a point in its history.
func (s *Service) ResetWorkflow(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	spec := operation.Spec{
		Name: "resetWorkflow", Namespace: namespace, Body: operation.BodyRequired,
		Method: workflowservice.WorkflowService_ResetWorkflowExecution_FullMethodName,
		Handle: &operation.Handle{WorkflowID: workflowID},
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, _ *openapi.ResetWorkflowParams, body *openapi.ResetRequest,
	) (*operation.Response, error) {
		stamp, err := req.StampWrite()
		if err != nil {
			return nil, err
		}
		var v convert.Validation
		exclude := checkResetRequest(&v, body)
		operations := v.PostResetOperations("/updateOptions", body.UpdateOptions)
		if err := v.Err(); err != nil {
			return nil, err
		}
		point, firstRunID, err := s.resetPoint(ctx, req.Execution, body)
		if err != nil {
			return nil, operation.WithWorkflowID(err, req.Execution.GetWorkflowId())
		}
		response := &workflowservice.ResetWorkflowExecutionResponse{}
		err = s.upstream.Do(ctx, spec.Method, &workflowservice.ResetWorkflowExecutionRequest{
			Namespace: namespace, WorkflowExecution: req.Execution, WorkflowTaskFinishEventId: point,
			ResetReapplyType:         enums.RESET_REAPPLY_TYPE_ALL_ELIGIBLE, //nolint:staticcheck // servers support no other field
			ResetReapplyExcludeTypes: exclude, PostResetOperations: operations,
			Reason: body.Reason, Identity: req.Identity(), RequestId: stamp.RequestID,
		}, response)
		if err != nil {
			return nil, operation.WithWorkflowID(err, req.Execution.GetWorkflowId())
		}
		return operation.OK(openapi.ResetWorkflow{
			WorkflowID: req.Execution.GetWorkflowId(), RunID: response.GetRunId(), FirstExecutionRunID: firstRunID,
		}), nil
	})
}

// checkResetRequest validates a request, and returns the types of events that are not
// reapplied.
func checkResetRequest(v *convert.Validation, body *openapi.ResetRequest) []enums.ResetReapplyExcludeType {
	named := 0
	for _, set := range []bool{body.EventID != nil, body.ResetType != "", body.BuildID != ""} {
		if set {
			named++
		}
	}
	if named != 1 {
		v.Add("", "must have exactly one of eventId, resetType and buildId")
	}
	if body.EventID != nil && *body.EventID < 1 {
		v.Add("/eventId", "must be at least 1")
	}
	v.ResetType("/resetType", body.ResetType)
	return v.ReapplyExclude("/reapplyExclude", body.ReapplyExclude)
}
