package workflow

import (
	"context"
	"net/http"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/handlers/operation"
)

// PauseWorkflow pauses a workflow.
func (s *Service) PauseWorkflow(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	spec := operation.Spec{
		Name: "pauseWorkflow", Namespace: namespace, Body: operation.BodyOptional,
		Method: workflowservice.WorkflowService_PauseWorkflowExecution_FullMethodName,
		Handle: &operation.Handle{WorkflowID: workflowID},
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, _ *openapi.PauseWorkflowParams, body *openapi.PauseRequest,
	) (*operation.Response, error) {
		execution := req.Execution
		stamp, err := req.StampWrite()
		return s.callVoid(ctx, req, execution, err, &workflowservice.PauseWorkflowExecutionRequest{
			Namespace: namespace, WorkflowId: execution.GetWorkflowId(), RunId: execution.GetRunId(),
			Reason: body.Reason, Identity: req.Identity(), RequestId: stamp.RequestID,
		}, &workflowservice.PauseWorkflowExecutionResponse{})
	})
}

// UnpauseWorkflow resumes a paused workflow.
func (s *Service) UnpauseWorkflow(w http.ResponseWriter, r *http.Request, namespace, workflowID string) {
	spec := operation.Spec{
		Name: "unpauseWorkflow", Namespace: namespace, Body: operation.BodyOptional,
		Method: workflowservice.WorkflowService_UnpauseWorkflowExecution_FullMethodName,
		Handle: &operation.Handle{WorkflowID: workflowID},
	}
	operation.Serve(s.adapter, w, r, spec, func(
		ctx context.Context, req *operation.Request, _ *openapi.UnpauseWorkflowParams, body *openapi.UnpauseRequest,
	) (*operation.Response, error) {
		execution := req.Execution
		stamp, err := req.StampWrite()
		return s.callVoid(ctx, req, execution, err, &workflowservice.UnpauseWorkflowExecutionRequest{
			Namespace: namespace, WorkflowId: execution.GetWorkflowId(), RunId: execution.GetRunId(),
			Reason: body.Reason, Identity: req.Identity(), RequestId: stamp.RequestID,
		}, &workflowservice.UnpauseWorkflowExecutionResponse{})
	})
}
